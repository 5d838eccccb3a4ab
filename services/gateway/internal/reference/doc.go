// Package reference draws openapi.yaml as one page of HTML that needs nothing else:
// no script, and no font, style or picture from anywhere.
//
// page.html says what the page looks like, view.go what is on it, schema.go what is said
// of a schema, example.go makes examples, text.go turns descriptions into HTML, and
// node.go reads the document with its fields in their order.
package reference
