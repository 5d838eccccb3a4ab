package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Group is servers that carry some labels.
type Group struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels"`
	Selector    map[string]string `json:"selector"`
	CreatedAt   time.Time         `json:"created_at"`
	UpdatedAt   time.Time         `json:"updated_at"`
}

// GroupCreate is a group to add.
type GroupCreate struct {
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Selector    map[string]string `json:"selector"`
}

// ProjectItem is a project, or an application, a stage or a template of one.
type ProjectItem struct {
	ID          string            `json:"id"`
	Project     string            `json:"project,omitempty"` // name; not of a project itself
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels"`
	Defaults    json.RawMessage   `json:"defaults,omitempty"` // by the names of DeploymentCreate
	Secrets     []string          `json:"secrets,omitempty"`  // their names
	CreatedAt   time.Time         `json:"created_at"`
	UpdatedAt   time.Time         `json:"updated_at"`
}

// ProjectItemCreate is one to add. The client passes on what it was given: the gateway says what is wrong with it.
type ProjectItemCreate struct {
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Defaults    json.RawMessage   `json:"defaults,omitempty"`
	Secrets     json.RawMessage   `json:"secrets,omitempty"`
}

// Collection is where things of one kind are. T is what they are.
type Collection[T any] string

// Where there are such things.
const (
	Groups   Collection[Group]       = "/v1/groups"
	Projects Collection[ProjectItem] = "/v1/projects"
)

// InProject is where the applications, the stages or the templates of a project are.
func InProject(project, kind string) Collection[ProjectItem] {
	return Collection[ProjectItem](string(Projects) + "/" + url.PathEscape(project) + "/" + kind)
}

func (at Collection[T]) path(ref string) string { return string(at) + "/" + url.PathEscape(ref) }

// List lists those with all these labels (key=value), by name.
func (at Collection[T]) List(ctx context.Context, c *Client, labels []string) iter.Seq2[T, error] {
	return all[T](ctx, c, string(at), labelled(labels), PageLimit)
}

// Get reads the one of this name or id.
func (at Collection[T]) Get(ctx context.Context, c *Client, ref string) (T, error) {
	var got T
	err := c.do(ctx, call{method: http.MethodGet, path: at.path(ref), into: &got})
	return got, err
}

// Add adds one.
func (at Collection[T]) Add(ctx context.Context, c *Client, wanted any) (T, error) {
	var added T
	err := c.do(ctx, call{method: http.MethodPost, path: string(at), key: newKey(), json: wanted, into: &added})
	return added, err
}

// Change changes the one of this name or id, by a JSON merge patch.
func (at Collection[T]) Change(ctx context.Context, c *Client, ref string, patch map[string]any) (T, error) {
	var changed T
	err := c.do(ctx, call{method: http.MethodPatch, path: at.path(ref), json: patch, into: &changed})
	return changed, err
}

// Remove removes the one of this name or id.
func (at Collection[T]) Remove(ctx context.Context, c *Client, ref string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: at.path(ref)})
}
