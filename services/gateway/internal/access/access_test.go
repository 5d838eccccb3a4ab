package access

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryPermissionStandsInTheTableOnce(t *testing.T) {
	seen := map[Permission]bool{}
	for _, r := range Rules() {
		require.False(t, seen[r.Permission], r.Permission)
		seen[r.Permission] = true
		require.NotEmpty(t, r.For, r.Permission)
		require.NotEmpty(t, r.Roles, r.Permission)
		require.True(t, r.Permission.Known())
		for _, role := range r.Roles {
			require.True(t, role.Known(), role)
		}
	}
	require.False(t, Permission("servers").Known())
	require.False(t, Role("admin").Known())
}

func TestAnAdministratorMayWhateverAnotherMay(t *testing.T) {
	for _, r := range Rules() {
		for _, project := range []string{All, "shop"} {
			for _, role := range Roles() {
				for _, asked := range []string{All, "shop", "other"} {
					if (Grants{{role, project}}).Allow(r.Permission, asked) {
						require.True(t, Grants{{Administrator, project}}.Allow(r.Permission, asked), "%s %s", r.Permission, asked)
					}
				}
			}
		}
	}
}

func TestARoleInAProjectReachesNoOther(t *testing.T) {
	for _, r := range Rules() {
		for _, role := range Roles() {
			in, over := Grants{{role, "shop"}}, Grants{{role, All}}
			switch {
			case r.Permission == SelfRead:
			case r.Reach == PerProject:
				require.False(t, in.Allow(r.Permission, "other"), r.Permission)
				require.False(t, in.Allow(r.Permission, All), "what belongs to no project is for who has it over all: %s", r.Permission)
				require.False(t, in.AllowEach(r.Permission, nil), r.Permission)
				require.False(t, in.AllowEach(r.Permission, []string{"shop", "other"}), r.Permission)
				require.Equal(t, over.Allow(r.Permission, All), in.AllowEach(r.Permission, []string{"shop", "shop"}), r.Permission)
				require.Equal(t, over.Allow(r.Permission, "other"), in.Somewhere(r.Permission), r.Permission)
			case r.Reach == Everywhere:
				require.False(t, in.Somewhere(r.Permission), r.Permission)
			case r.Reach == Anywhere:
				require.Equal(t, over.Somewhere(r.Permission), in.Somewhere(r.Permission), r.Permission)
			}
			require.Equal(t, slices.Contains(r.Roles, role) || r.Permission == SelfRead, over.Allow(r.Permission, All), "%s %s", role, r.Permission)
		}
	}
}

func TestMoreGrantsNeverAllowLess(t *testing.T) {
	for _, r := range Rules() {
		for _, one := range Roles() {
			for _, other := range Roles() {
				both := Grants{{one, "shop"}, {other, "web"}}
				for _, project := range []string{All, "shop", "web", "x"} {
					either := both[:1].Allow(r.Permission, project) || both[1:].Allow(r.Permission, project)
					require.Equal(t, either, both.Allow(r.Permission, project))
				}
			}
		}
	}
}

func TestNobodyHasWhatNobodyWasGiven(t *testing.T) {
	for _, g := range []Grants{nil, {{"", All}}, {{"admin", All}}, {{"*", All}}} {
		for _, r := range Rules() {
			require.Equal(t, r.Permission == SelfRead, g.Allow(r.Permission, All), r.Permission)
			require.Equal(t, r.Permission == SelfRead, g.Somewhere(r.Permission), r.Permission)
		}
	}
	require.False(t, Grants{{Administrator, All}}.Allow("unknown", All))
}

func TestProjectsAreThoseInWhichItMay(t *testing.T) {
	g := Grants{{Deployer, "web"}, {Viewer, "shop"}, {Deployer, "shop"}, {Deployer, "web"}}
	require.Equal(t, []string{"shop", "web"}, g.Projects(DeploymentsCreate))
	require.Empty(t, g.Projects(DeploymentsApprove))
}

func TestAGrantIsReadAsItIsWritten(t *testing.T) {
	for _, role := range Roles() {
		for _, project := range []string{All, "shop"} {
			want := Grant{role, project}
			got, err := ParseGrant(want.String())
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	}
	for _, text := range []string{"", "admin", "viewer:", ":shop", "Viewer", "viewer shop", "viewer@shop"} {
		_, err := ParseGrant(text)
		require.ErrorIs(t, err, ErrGrant, text)
	}
}
