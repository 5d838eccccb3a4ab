package fold

import "container/list"

// cache keeps the documents that were used last, so that what is under way is
// not read again for every batch.
type cache[K comparable, V any] struct {
	size  int
	order *list.List // of item, the one used last in front
	items map[K]*list.Element
}

type item[K comparable, V any] struct {
	key   K
	value V
}

func newCache[K comparable, V any](size int) *cache[K, V] {
	return &cache[K, V]{size: size, order: list.New(), items: map[K]*list.Element{}}
}

func (c *cache[K, V]) get(key K) (V, bool) {
	e, ok := c.items[key]
	if !ok {
		var none V
		return none, false
	}
	c.order.MoveToFront(e)
	return e.Value.(item[K, V]).value, true
}

func (c *cache[K, V]) put(key K, value V) {
	c.drop(key)
	c.items[key] = c.order.PushFront(item[K, V]{key, value})
	for c.order.Len() > c.size {
		c.drop(c.order.Back().Value.(item[K, V]).key)
	}
}

func (c *cache[K, V]) drop(key K) {
	if e, ok := c.items[key]; ok {
		c.order.Remove(e)
		delete(c.items, key)
	}
}

func (c *cache[K, V]) clear() {
	c.order.Init()
	clear(c.items)
}
