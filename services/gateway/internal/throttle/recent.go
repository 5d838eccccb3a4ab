package throttle

import "container/list"

// recent is a map that holds the keys that were used last. It is not safe for many
// at once.
type recent[V any] struct {
	most  int
	order *list.List // newest first
	byKey map[string]*list.Element
}

type held[V any] struct {
	key   string
	value V
}

func newRecent[V any](most int) *recent[V] {
	return &recent[V]{most, list.New(), map[string]*list.Element{}}
}

// get returns what the key holds, and makes it the newest.
func (r *recent[V]) get(key string) (V, bool) {
	e, ok := r.byKey[key]
	if !ok {
		var none V
		return none, false
	}
	r.order.MoveToFront(e)
	return e.Value.(*held[V]).value, true
}

// put has the key hold a value; the oldest goes where there is no room.
func (r *recent[V]) put(key string, value V) {
	if e, ok := r.byKey[key]; ok {
		e.Value.(*held[V]).value = value
		r.order.MoveToFront(e)
		return
	}
	r.byKey[key] = r.order.PushFront(&held[V]{key, value})
	if r.order.Len() > r.most {
		r.drop(r.order.Back().Value.(*held[V]).key)
	}
}

func (r *recent[V]) drop(key string) {
	if e, ok := r.byKey[key]; ok {
		r.order.Remove(e)
		delete(r.byKey, key)
	}
}
