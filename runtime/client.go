package s3db

import "context"

// OpenClient opens a database as [Open] does and makes the generated client C of
// it. The Open of a generated package calls it.
func OpenClient[C any](ctx context.Context, url string, config Config, client func(*Database) *C, options ...Option) (*C, error) {
	db, err := Open(ctx, url, config, options...)
	if err != nil {
		return nil, err
	}
	return client(db), nil
}

// NewClient opens the database in a store as [New] does and makes the generated
// client C of it. The New of a generated package calls it.
func NewClient[C any](ctx context.Context, store Store, config Config, client func(*Database) *C, options ...Option) (*C, error) {
	db, err := New(ctx, store, config, options...)
	if err != nil {
		return nil, err
	}
	return client(db), nil
}
