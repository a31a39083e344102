package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

const uniqueRoot = "resource=accounts/unique="

// leftClaims returns the claims that a repair should have released: owned, but
// their owner does not hold their value. It reads the objects as docs/format.md
// describes them, by no code of the runtime.
//
// One kind of leftover stays by design. An insert that was refused has written the
// claim of the living document anew; the document then names none of its claims,
// and without the values a repair cannot tell which of several counts.
func leftClaims(ctx context.Context, store *memstore.Store, c *clienttest.Accounts) []string {
	type claim struct{ ID, Token string }
	claims := map[string]claim{} // by "email/email=v0!"
	for _, key := range store.Server().Keys() {
		path, ok := strings.CutPrefix(key, uniqueRoot)
		if !ok {
			continue
		}
		obj, err := store.Get(ctx, key)
		if err != nil {
			return []string{err.Error()}
		}
		var x claim
		if err := json.Unmarshal(obj.Body, &x); err != nil {
			return []string{err.Error()}
		}
		if x.ID != "" {
			claims[path] = x
		}
	}
	var left []string
	for path, x := range claims {
		constraint, value, _ := strings.Cut(strings.TrimSuffix(path, "!"), "/")
		_, value, _ = strings.Cut(value, "=")
		d, err := c.Get(ctx, clienttest.AccountID(x.ID))
		if err == nil {
			account := locate(d)
			holds := *account.field(constraint)
			if holds == value {
				continue
			}
			own := claims[constraint+"/"+constraint+"="+holds+"!"]
			if holds != "" && own.ID == x.ID && own.Token != namedToken(ctx, store, x.ID, constraint) {
				continue
			}
		}
		left = append(left, fmt.Sprintf("claim %s of %s is left over", path, x.ID))
	}
	return left
}

// namedToken is the token under which a document names its claim.
func namedToken(ctx context.Context, store s3db.Store, id, constraint string) string {
	obj, err := store.Get(ctx, "resource=accounts/data/id="+id)
	if err != nil {
		return ""
	}
	var body struct {
		U map[string]struct{ T string } `json:"u"`
	}
	if json.Unmarshal(obj.Body, &body) != nil {
		return ""
	}
	return body.U[constraint].T
}
