package s3db

import "context"

// CountedPassphrase is WithPassphrase whose derivations are counted by f.
func CountedPassphrase(passphrase string, f func()) Option {
	derived := &derivations{derive: func(passphrase, salt []byte) []byte {
		f()
		return deriveRoot(passphrase, salt)
	}}
	return func(o *options) error {
		o.keys = append(o.keys, keySource{passphrase: []byte(passphrase), derived: derived})
		return nil
	}
}

// HandOn makes the next writer of a document begin with what the document is now,
// as if the writer before had committed that, until the returned function is called.
func HandOn[T any, ID ~string, I, P any](ctx context.Context, c *Collection[T, ID, I, P], id ID) (end func(), err error) {
	s, err := c.engine.read(ctx, string(id))
	if err != nil {
		return nil, err
	}
	x := c.engine.turns.join(string(id))
	<-x.free
	x.free <- &s
	return func() { c.engine.turns.leave(string(id), x) }, nil
}
