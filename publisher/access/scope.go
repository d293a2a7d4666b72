package access

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"dateline/publisher/news"
)

// Scope is a right that a key can have. Reading what is public needs none.
type Scope string

// The scopes.
const (
	Draft         Scope = "draft"          // make and change drafts
	Publish       Scope = "publish"        // publish, correct, republish, import; holds Draft too
	Withdraw      Scope = "withdraw"       // withdraw releases
	ReadEmbargoed Scope = "read-embargoed" // see what is not public yet
	Admin         Scope = "admin"          // everything, keys and subscriptions too
)

// Scopes lists all there are.
func Scopes() []Scope { return []Scope{Draft, Publish, Withdraw, ReadEmbargoed, Admin} }

// AdminName is the name of the admin key, which no other key can have.
const AdminName = "admin"

// Caller is who makes a request.
type Caller struct {
	Name   string // of the key
	Scopes []Scope
	// Remote is the other end of the connection: the client, or the proxy in
	// front of us. It is the zero Addr where there is none.
	Remote netip.Addr
}

// May reports whether the caller has a scope, or one that holds it.
func (c Caller) May(s Scope) bool {
	return slices.Contains(c.Scopes, s) || slices.Contains(c.Scopes, Admin) ||
		s == Draft && slices.Contains(c.Scopes, Publish)
}

type callerKey struct{}

// With puts the caller into ctx. [Keys.Require] does it for requests; whoever
// acts in a caller's place does it for what it calls.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// From is the caller of a request. Without one it is the zero Caller, which
// has no name and no scope.
func From(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// Need is nil when the caller has all these scopes, else a [news.Problem] of
// code [news.Forbidden] that names those which are missing.
func Need(ctx context.Context, scopes ...Scope) error {
	c := From(ctx)
	missing := slices.DeleteFunc(slices.Clone(scopes), c.May)
	if len(missing) == 0 {
		return nil
	}
	has := "which has no scope"
	if len(c.Scopes) > 0 {
		has = "which has " + join(c.Scopes)
	}
	if c.Name == "" {
		return news.Problemf(news.Forbidden, "this needs a key with the scope %s", join(missing))
	}
	return news.Problemf(news.Forbidden, "this needs the scope %s beyond the key %s, %s; ask an administrator for a key that has it", join(missing), c.Name, has)
}

// Only lets callers through that have all these scopes; others get 403.
func Only(next http.Handler, scopes ...Scope) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := Need(r.Context(), scopes...); err != nil {
			Refuse(w, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func join(scopes []Scope) string {
	words := make([]string, len(scopes))
	for i, s := range scopes {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}
