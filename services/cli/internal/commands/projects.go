package commands

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

// collection is what the commands about one kind of thing have in common. T is what they are.
type collection[T any] struct {
	app  *app
	one  string                        // what one of them is called
	at   func() client.Collection[T]   // where they are, once the command line is read
	name func(T) string                // of one of them
	list func([]T, bool) []string      // a table, in colour or not
	show func(T) []string              // one of them
	say  func(*cobra.Command) *wording // adds the flags that say what one of them is to be
	in   func(*cobra.Command)          // adds the flag that says in which project; nil: in none
}

// wording is what the command line says of one of them.
type wording struct {
	create func(name string) (any, error)
	patch  func(*cobra.Command) (map[string]any, error)
}

func (k collection[T]) group(use, short string) *cobra.Command {
	return group(use, short, k.listCommand(), k.addCommand(), k.showCommand(), k.editCommand(), k.removeCommand())
}

// command is one of them: about the project that a flag names, if it is in one.
func (k collection[T]) command(cmd *cobra.Command) *cobra.Command {
	if k.in != nil {
		k.in(cmd)
	}
	return cmd
}

// on does something to one of them and shows what it is then.
func (k collection[T]) on(do func(*client.Client) (T, error)) error {
	c, err := k.app.connect(defaultTimeout)
	if err != nil {
		return err
	}
	one, err := do(c)
	if err != nil {
		return err
	}
	return k.app.show(one, func() []string { return k.show(one) })
}

func (k collection[T]) listCommand() *cobra.Command {
	var labels []string
	cmd := &cobra.Command{
		Use:   "list [--label KEY=VALUE]…",
		Short: "List " + k.one + "s",
		Args:  cobra.NoArgs,
		RunE: k.app.run(func(ctx context.Context, _ *cobra.Command, _ []string) error {
			if _, err := parseLabels(labels); err != nil {
				return err
			}
			c, err := k.app.connect(defaultTimeout)
			if err != nil {
				return err
			}
			found, err := client.Collect(k.at().List(ctx, c, labels))
			if err != nil {
				return err
			}
			return k.app.show(items[T]{found}, func() []string { return k.list(found, k.app.color()) })
		}),
	}
	labelFlag(cmd, &labels, "only those with this label; repeat it for more, which must all match")
	return k.command(cmd)
}

func (k collection[T]) addCommand() *cobra.Command {
	var w *wording
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Add a " + k.one + ", whose name is for all time",
		Args:  cobra.ExactArgs(1),
		RunE: k.app.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			wanted, err := w.create(args[0])
			if err != nil {
				return err
			}
			return k.on(func(c *client.Client) (T, error) { return k.at().Add(ctx, c, wanted) })
		}),
	}
	w = k.say(cmd)
	return k.command(cmd)
}

func (k collection[T]) showCommand() *cobra.Command {
	return k.command(&cobra.Command{
		Use:   "show NAME|ID",
		Short: "Show what is known of a " + k.one,
		Args:  cobra.ExactArgs(1),
		RunE: k.app.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			return k.on(func(c *client.Client) (T, error) { return k.at().Get(ctx, c, args[0]) })
		}),
	})
}

func (k collection[T]) editCommand() *cobra.Command {
	var w *wording
	cmd := &cobra.Command{
		Use:   "edit NAME|ID",
		Short: "Change what is given of a " + k.one + "; the rest stays",
		Args:  cobra.ExactArgs(1),
		RunE: k.app.run(func(ctx context.Context, cmd *cobra.Command, args []string) error {
			patch, err := w.patch(cmd)
			if err != nil {
				return err
			}
			if len(patch) == 0 {
				return usage("there is nothing to change")
			}
			return k.on(func(c *client.Client) (T, error) { return k.at().Change(ctx, c, args[0], patch) })
		}),
	}
	w = k.say(cmd)
	return k.command(cmd)
}

func (k collection[T]) removeCommand() *cobra.Command {
	return k.command(&cobra.Command{
		Use:   "remove NAME|ID…",
		Short: "Forget " + k.one + "s to which nothing refers any more",
		Args:  cobra.MinimumNArgs(1),
		RunE: k.app.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			c, err := k.app.connect(defaultTimeout)
			if err != nil {
				return err
			}
			// All are looked up before the first is removed: a mistyped name removes nothing.
			var gone []T
			for _, ref := range args {
				one, err := k.at().Get(ctx, c, ref)
				if err != nil {
					return err
				}
				gone = append(gone, one)
			}
			for i, one := range gone {
				if err := k.at().Remove(ctx, c, args[i]); err != nil {
					return err
				}
				if !k.app.asJSON() {
					if err := k.app.print("Removed " + display.Clean(k.name(one)) + "."); err != nil {
						return err
					}
				}
			}
			if k.app.asJSON() {
				return k.app.document(items[T]{gone})
			}
			return nil
		}),
	})
}

func (a *app) groupsCommand() *cobra.Command {
	k := collection[client.Group]{
		app: a, one: "group", at: func() client.Collection[client.Group] { return client.Groups },
		name: func(g client.Group) string { return g.Name }, list: display.Groups, show: display.Group,
		say: func(cmd *cobra.Command) *wording {
			var match []string
			m := addMeta(cmd)
			cmd.Flags().StringArrayVar(&match, "match", nil, "label that its hosts carry; repeat it for more, which must all match (key=value)")
			return &wording{
				create: func(name string) (any, error) {
					g := client.GroupCreate{Name: name, Description: m.description}
					var err error
					if g.Labels, err = parseLabels(m.labels); err != nil {
						return nil, err
					}
					if g.Selector, err = parseLabels(match); err == nil && g.Selector == nil {
						err = usage("--match says which hosts, as --match role=web")
					}
					return g, err
				},
				patch: func(cmd *cobra.Command) (map[string]any, error) {
					patch, err := m.patch(cmd)
					if err != nil {
						return nil, err
					}
					selector, err := parseLabels(match)
					if selector != nil {
						patch["selector"] = selector
					}
					return patch, err
				},
			}
		},
	}
	return k.group("groups", "Hosts that carry some labels, by a name")
}

// projectCommands are those about projects and what is in them.
func (a *app) projectCommands() []*cobra.Command {
	projects := a.projectItems("project")
	projects.at = func() client.Collection[client.ProjectItem] { return client.Projects }
	all := []*cobra.Command{projects.group("projects", "What deployments have in common, and who may make them")}
	for _, kind := range []struct{ one, short string }{
		{"application", "What deployments of an application say by themselves"},
		{"stage", "The environments of a project: where they are, and their variables"},
		{"template", "Deployments that are kept, to be made by name"},
	} {
		var project string
		k := a.projectItems(kind.one)
		k.at = func() client.Collection[client.ProjectItem] { return client.InProject(project, kind.one+"s") }
		k.in = func(cmd *cobra.Command) {
			cmd.Flags().StringVar(&project, "project", "", "project that it is in")
			_ = cmd.MarkFlagRequired("project") // fails for a flag that is not there
		}
		cmd := k.group(kind.one+"s", kind.short)
		if kind.one == "application" {
			cmd.AddCommand(k.command(a.applicationsImportCommand(&project)))
		}
		all = append(all, cmd)
	}
	return all
}

func (a *app) projectItems(one string) collection[client.ProjectItem] {
	return collection[client.ProjectItem]{
		app: a, one: one, name: func(i client.ProjectItem) string { return i.Name }, list: display.ProjectItems, show: display.ProjectItem,
		say: func(cmd *cobra.Command) *wording {
			var defaults string
			var secrets, forget []string
			m := addMeta(cmd)
			flags := cmd.Flags()
			flags.StringVar(&defaults, "defaults", "", "file (YAML or JSON) with what deployments say by it, by the names of a request for one")
			flags.StringArrayVar(&secrets, "secret", nil, "secret variable, as NAME (from the environment) or NAME=FILE (- is standard input); repeat it for more")
			if cmd.Name() == "edit" {
				flags.StringArrayVar(&forget, "forget-secret", nil, "name of a secret variable to forget; repeat it for more")
			}
			return &wording{
				create: func(name string) (any, error) {
					i := client.ProjectItemCreate{Name: name, Description: m.description}
					var err error
					if i.Labels, err = parseLabels(m.labels); err != nil {
						return nil, err
					}
					if i.Defaults, err = readDefaults(defaults); err != nil {
						return nil, err
					}
					var w client.Work
					err = a.addSecrets(&w, secrets)
					i.Secrets = w.Secrets
					return i, err
				},
				patch: func(cmd *cobra.Command) (map[string]any, error) {
					patch, err := m.patch(cmd)
					if err != nil {
						return nil, err
					}
					said, err := readDefaults(defaults)
					if err != nil {
						return nil, err
					}
					if said != nil {
						patch["defaults"] = said
					}
					return patch, a.patchSecrets(patch, secrets, forget)
				},
			}
		},
	}
}

// patchSecrets says which secrets there are to be, and which no more.
func (a *app) patchSecrets(patch map[string]any, given, forget []string) error {
	var w client.Work
	if err := a.addSecrets(&w, given); err != nil {
		return err
	}
	secrets := map[string]any{}
	if w.Secrets != nil {
		_ = json.Unmarshal(w.Secrets, &secrets) // it was just made
	}
	for _, name := range forget {
		if _, both := secrets[name]; both {
			return usage("the secret %s is both given and forgotten", name)
		}
		secrets[name] = nil
	}
	if len(secrets) > 0 {
		patch["secrets"] = secrets
	}
	return nil
}

// meta is what may be said of all of them.
type meta struct {
	description  string
	labels       []string
	removeLabels []string
}

func addMeta(cmd *cobra.Command) *meta {
	var m meta
	cmd.Flags().StringVar(&m.description, "description", "", "what it is for")
	labelFlag(cmd, &m.labels, "label of it; repeat it for more")
	if cmd.Name() == "edit" {
		cmd.Flags().StringArrayVar(&m.removeLabels, "remove-label", nil, "key of a label to take away; repeat it for more")
	}
	return &m
}

func (m *meta) patch(cmd *cobra.Command) (map[string]any, error) {
	patch := map[string]any{}
	if cmd.Flags().Changed("description") {
		patch["description"] = m.description
	}
	return patch, patchLabels(patch, m.labels, m.removeLabels)
}
