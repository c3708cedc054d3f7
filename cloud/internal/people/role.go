package people

import "slices"

// Role is what a person may do. Each role may do all that those before it may.
type Role string

// Roles, from the least.
const (
	Viewer   Role = "viewer"   // looks
	Labeller Role = "labeller" // says what pictures show
	Operator Role = "operator" // runs boards and models day by day
	Admin    Role = "admin"    // decides who may do what, moves models, deletes
)

// Roles returns all roles from the least.
func Roles() []Role { return []Role{Viewer, Labeller, Operator, Admin} }

// Valid reports whether r is a role.
func (r Role) Valid() bool { return slices.Contains(Roles(), r) }

// Allows reports whether r may do what least may. What is no role may nothing.
func (r Role) Allows(least Role) bool {
	return r.Valid() && least.Valid() && slices.Index(Roles(), r) >= slices.Index(Roles(), least)
}
