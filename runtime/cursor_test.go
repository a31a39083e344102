package s3db

import (
	"bytes"
	"testing"
)

// A cursor, which a program hands out, must not tell of a secret that its query
// was for: with the id of the database anybody could try values.
func TestCursorsDoNotTellSecrets(t *testing.T) {
	secret := NewSecret("needle")
	hidden := SecretAt(DocumentOf[*Secret[string]](), "pin", (*KeyBuilder).String, func(s *Secret[string]) *Secret[string] { return s })
	plain := StringAt(DocumentOf[*Secret[string]](), "pin", func(s *Secret[string]) *string { return new(s.Reveal()) })
	if !hidden.Eq("needle").Match(&secret) || hidden.Eq("other").Match(&secret) {
		t.Error("the predicate is wrong")
	}
	hash := func(key byte, where node) []byte {
		c := &engine{db: &Database{hashKey: bytes.Repeat([]byte{key}, 32)}, model: &model{Resource: "users"}}
		return c.queryHash(&reading{spec: &querySpec{where: []node{where}}})
	}
	for name, where := range map[string]node{
		"eq": hidden.Eq("needle").predicate.node, "in": hidden.In("a", "needle").predicate.node,
		"not": Not(hidden.Eq("needle")).predicate.node, "or": Or(hidden.Eq("a"), hidden.Eq("needle")).predicate.node,
	} {
		if bytes.Equal(hash(1, where), hash(2, where)) {
			t.Errorf("%s: the hash does not depend on the key", name)
		}
	}
	if !bytes.Equal(hash(1, plain.Eq("needle").predicate.node), hash(2, plain.Eq("needle").predicate.node)) {
		t.Error("programs with and without the key do not share cursors of other queries")
	}
}
