package s3db

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// KeyProvider keeps the master key of envelope encryption, such as a key
// management service does: it makes data keys, and unwraps what only it can
// unwrap. A database keeps wrapped data keys in its registry, beside the name of
// their provider; secrets are encrypted under data keys, so that a provider is
// asked when a database is opened and not for each secret.
//
// Methods are safe for concurrent use. Their errors must not hold keys.
type KeyProvider interface {
	// Name names the master key: 1 to 255 bytes of printable ASCII, the same in
	// every program. A data key is unwrapped by the provider of the same name.
	Name() string
	// NewKey makes a data key of 32 random bytes and wraps it. binding is bound to
	// the wrapped key and is not secret; it may appear in logs.
	NewKey(ctx context.Context, binding map[string]string) (key, wrapped []byte, err error)
	// Unwrap returns a data key. It fails when the binding is not that of NewKey.
	Unwrap(ctx context.Context, wrapped []byte, binding map[string]string) (key []byte, err error)
}

// WithKeyProvider adds the data keys that a provider can unwrap, the newest of
// them in the place of a key given by [WithKey]: it encrypts when the provider is
// given first, and is made when the database has none. Opening the database asks
// the provider once for each of its data keys.
//
// A program that meets a secret under a data key which was made after it opened
// the database reads the registry again, and uses the newest key from there on.
func WithKeyProvider(p KeyProvider) Option {
	return func(o *options) error {
		if p == nil {
			return configError("WithKeyProvider: no provider")
		}
		const longest = 255
		if name := p.Name(); name == "" || len(name) > longest || !all(name, isPrintable) {
			return configError("WithKeyProvider: the name of a provider has 1 to %d bytes of printable ASCII", longest)
		}
		o.keys = append(o.keys, keySource{provider: p})
		return nil
	}
}

func isPrintable(c byte) bool { return c >= ' ' && c <= '~' }

// wrappedKey is a data key in the registry.
type wrappedKey struct {
	ID       string    `json:"id"`
	Provider string    `json:"provider"`
	Wrapped  []byte    `json:"wrapped"`
	Created  time.Time `json:"created"`
}

// keyBinding is what a data key of a database is bound to.
func keyBinding(database string) map[string]string {
	return map[string]string{"s3dbgen:database": database}
}

// dataKeys are the data keys that a program has unwrapped, so that none is
// unwrapped twice, and the new one that it offers to the registry.
type dataKeys struct {
	roots map[string][]byte // by the wrapped key
	made  map[string]wrappedKey
}

// root unwraps a data key, and makes sure that it is the one of that id.
func (k *dataKeys) root(ctx context.Context, p KeyProvider, reg *registry, w wrappedKey) ([]byte, error) {
	if root := k.roots[string(w.Wrapped)]; root != nil {
		return root, nil
	}
	root, err := p.Unwrap(ctx, w.Wrapped, keyBinding(reg.Database))
	if err != nil {
		return nil, fmt.Errorf("%w: the data key %q cannot be unwrapped by %s: %w", ErrKeyProvider, w.ID, p.Name(), err)
	}
	id, err := rootID(root, reg.Salt)
	if err != nil || id != w.ID {
		return nil, fmt.Errorf("%w: %s unwrapped another key than the data key %q", ErrKeyProvider, p.Name(), w.ID)
	}
	k.keep(w.Wrapped, root)
	return root, nil
}

func (k *dataKeys) keep(wrapped, root []byte) {
	if k.roots == nil {
		k.roots = map[string][]byte{}
	}
	k.roots[string(wrapped)] = root
}

// add makes a data key and puts it into the registry, as the newest. One that was
// made and not stored, because another program changed the registry first, is
// offered again.
func (k *dataKeys) add(ctx context.Context, p KeyProvider, reg *registry, now time.Time) error {
	w, ok := k.made[p.Name()]
	if !ok {
		root, wrapped, err := p.NewKey(ctx, keyBinding(reg.Database))
		if err != nil {
			return fmt.Errorf("%w: %s made no data key: %w", ErrKeyProvider, p.Name(), err)
		}
		id, err := rootID(root, reg.Salt)
		if err != nil {
			return err
		}
		w = wrappedKey{ID: id, Provider: p.Name(), Wrapped: wrapped, Created: now.UTC().Truncate(time.Second)}
		k.keep(wrapped, root)
		if k.made == nil {
			k.made = map[string]wrappedKey{}
		}
		k.made[p.Name()] = w
	}
	// The registry has it when the reply to an earlier attempt to write was lost.
	if !slices.ContainsFunc(reg.DataKeys, func(x wrappedKey) bool { return x.ID == w.ID }) {
		reg.DataKeys = append(reg.DataKeys, w)
	}
	return nil
}
