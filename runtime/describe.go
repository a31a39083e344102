package s3db

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// Description is what the registry of a database says of it: all that a program
// without generated code can know before it reads a document.
type Description struct {
	ID        string
	Format    int
	Created   time.Time
	Keys      []string                // ids of the keys that encrypted secrets, the latest last
	Servers   map[string]Capabilities // what was found out about servers, by address
	Resources []DescribedResource     // sorted by name
}

// DescribedResource is one resource of a database.
type DescribedResource struct {
	Name     string
	Version  int                // the newest
	Versions []DescribedVersion // ascending
	// Settings is what programs beside the generated client must know to write as it
	// does, as canonical JSON (docs/format.md, "Settings"); "" when no client has told.
	Settings string
}

// Newest returns the newest version. It reports false for a damaged registry that
// lacks it.
func (r *DescribedResource) Newest() (DescribedVersion, bool) {
	i := slices.IndexFunc(r.Versions, func(v DescribedVersion) bool { return v.Version == r.Version })
	if i < 0 {
		return DescribedVersion{}, false
	}
	return r.Versions[i], true
}

// DescribedVersion is one version of the stored shape of a resource.
type DescribedVersion struct {
	Version int
	Hash    string // SHA-256 of Schema, hexadecimal
	Created time.Time
	Schema  string // the stored shape as canonical JSON
}

// Describe returns what the registry said when the database was opened. It sends
// no request; the result is the caller's to read, not to change.
func (db *Database) Describe() *Description { return db.described }

// DescribeNow reads the registry again: other programs may have added versions since
// the database was opened. 1 request.
func (db *Database) DescribeNow(ctx context.Context) (*Description, error) {
	reg, _, err := db.readRegistry(ctx)
	if err == nil && reg == nil {
		err = ErrNotFound
	}
	if err != nil {
		return nil, databaseError("describe", err)
	}
	return reg.describe(), nil
}

func (r *registry) describe() *Description {
	d := &Description{ID: r.Database, Format: r.Format, Created: r.Created, Keys: slices.Clone(r.Keys), Servers: maps.Clone(r.Servers)}
	for _, name := range slices.Sorted(maps.Keys(r.Resources)) {
		res := r.Resources[name]
		x := DescribedResource{Name: name, Version: res.Version, Settings: compactJSON(res.Settings)}
		for _, v := range res.Versions {
			x.Versions = append(x.Versions, DescribedVersion{Version: v.Version, Hash: v.Hash, Created: v.Created, Schema: compactJSON(v.Schema)})
		}
		slices.SortFunc(x.Versions, func(a, b DescribedVersion) int { return a.Version - b.Version })
		d.Resources = append(d.Resources, x)
	}
	return d
}

// compactJSON is JSON of the registry, which was read whole, without blanks.
func compactJSON(raw json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return ""
	}
	return b.String()
}

// discover returns the resources of the configuration and those that it finds in
// the database.
func (db *Database) discover(reg *registry, config Config) ([]Resource, error) {
	if config.Discover == nil {
		return config.Resources, nil
	}
	found, err := config.Discover(reg.describe())
	if err != nil {
		return nil, err
	}
	all := append(slices.Clone(config.Resources), found...)
	return all, db.checkResources(all, config)
}
