package s3db

import "context"

// Probe finds out what a server does. It is measured in the next change; until
// then a store's own word counts.
func Probe(_ context.Context, store Store, _ string) (Capabilities, error) {
	return store.Capabilities(), nil
}
