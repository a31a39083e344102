package s3db

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// registry is the object s3db.json at the root of a database: what every program
// that opens the database must agree on. Its form is in docs/format.md. It is
// changed by compare-and-swap only, and keys that this program does not know are
// written back as they were.
type registry struct {
	Format    int                         `json:"format"`
	Database  string                      `json:"database"`
	Salt      []byte                      `json:"salt"`
	Created   time.Time                   `json:"created"`
	Revision  string                      `json:"revision"`
	Servers   map[string]Capabilities     `json:"servers,omitempty"`
	Keys      []string                    `json:"keys,omitempty"`     // ids of keys that encrypted secrets
	HashKeys  map[string][]byte           `json:"hashKeys,omitempty"` // by key id: the key of hashed claims, sealed
	DataKeys  []wrappedKey                `json:"dataKeys,omitempty"` // of key providers, the newest last
	Resources map[string]registryResource `json:"resources"`

	unknown map[string]json.RawMessage
}

// registryResource is the history of one resource's stored shape.
type registryResource struct {
	Version  int               `json:"version"` // the newest
	Settings json.RawMessage   `json:"settings,omitempty"`
	Versions []registryVersion `json:"versions"`

	// What [Collection.Migrate] has brought about.
	Writers   int                `json:"writers,omitempty"` // programs of older versions must not write
	Oldest    int                `json:"oldest,omitempty"`  // there are no documents of older versions
	Migration *registryMigration `json:"migration,omitempty"`

	unknown map[string]json.RawMessage
}

// registryMigration is how far a migration has come.
type registryMigration struct {
	Version   int       `json:"version"`             // that documents are brought to
	Closed    time.Time `json:"closed,omitzero"`     // when older programs were shut out, by the server's clock
	Pass      string    `json:"pass,omitempty"`      // names the pass over all documents; "" when none is going on
	Started   time.Time `json:"started,omitzero"`    // when it began, by the server's clock
	Exclusive bool      `json:"exclusive,omitempty"` // there were no older programs when it began
	Dropped   bool      `json:"dropped,omitempty"`   // it drops attributes that were removed
	After     string    `json:"after,omitempty"`     // id up to which it has come
	Failed    int       `json:"failed,omitempty"`    // documents that it could not migrate
}

// UnmarshalJSON implements json.Unmarshaler. Members that this program does not
// know are kept.
func (r *registryResource) UnmarshalJSON(text []byte) error {
	type plain registryResource
	if err := json.Unmarshal(text, (*plain)(r)); err != nil {
		return err
	}
	if err := json.Unmarshal(text, &r.unknown); err != nil {
		return err
	}
	for _, known := range []string{"version", "versions", "settings", "writers", "oldest", "migration"} {
		delete(r.unknown, known)
	}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (r registryResource) MarshalJSON() ([]byte, error) {
	type plain registryResource
	return marshalWith(plain(r), r.unknown)
}

// marshalWith returns the JSON of an object with members added that are not known.
func marshalWith(known any, unknown map[string]json.RawMessage) ([]byte, error) {
	text, err := plainJSON(known)
	if err != nil || len(unknown) == 0 {
		return text, err
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	maps.Copy(all, unknown)
	return plainJSON(all)
}

type registryVersion struct {
	Version int             `json:"version"`
	Hash    string          `json:"hash"` // SHA-256 of Schema's bytes, hexadecimal
	Created time.Time       `json:"created"`
	Schema  json.RawMessage `json:"schema"`
}

const (
	registryName   = "s3db.json"
	registryFormat = 1
	registrySalt   = 32
)

func newRegistry(now time.Time) (*registry, error) {
	id, err := newRevision()
	if err != nil {
		return nil, err
	}
	salt := make([]byte, registrySalt)
	if _, err := rand.Read(salt); err != nil {
		return nil, err
	}
	return &registry{
		Format: registryFormat, Database: id, Salt: salt, Created: now.UTC().Truncate(time.Second),
		Resources: map[string]registryResource{},
	}, nil
}

func parseRegistry(body []byte) (*registry, error) {
	var format struct {
		Format *int `json:"format"`
	}
	if err := json.Unmarshal(body, &format); err != nil {
		return nil, fmt.Errorf("%w: %s is not JSON: %w", ErrCorrupt, registryName, err)
	}
	switch {
	case format.Format == nil:
		return nil, fmt.Errorf("%w: %s has no \"format\": it is not the registry of a database of s3dbgen", ErrCorrupt, registryName)
	case *format.Format > registryFormat:
		return nil, fmt.Errorf("%w: %s has format %d, this program knows up to %d", ErrNewerFormat, registryName, *format.Format, registryFormat)
	case *format.Format < 1:
		return nil, fmt.Errorf("%w: %s has format %d", ErrCorrupt, registryName, *format.Format)
	}
	r := &registry{}
	if err := json.Unmarshal(body, r); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, registryName, err)
	}
	if r.Database == "" || len(r.Salt) != registrySalt {
		return nil, fmt.Errorf("%w: %s lacks the database's id or its salt of %d bytes", ErrCorrupt, registryName, registrySalt)
	}
	if err := json.Unmarshal(body, &r.unknown); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, registryName, err)
	}
	for _, known := range []string{"format", "database", "salt", "created", "revision", "servers", "keys", "hashKeys", "dataKeys", "resources"} {
		delete(r.unknown, known)
	}
	if r.Resources == nil {
		r.Resources = map[string]registryResource{}
	}
	return r, nil
}

func (r *registry) marshal() ([]byte, error) {
	known, err := marshalWith(r, r.unknown)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, known, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// newest returns the newest version of a resource; -1 when there is none.
func (r *registry) newest(name string) int {
	res := r.Resources[name]
	if len(res.Versions) == 0 {
		return -1
	}
	return res.Version
}

// plainJSON is json.Marshal without the escapes for HTML, which would change the
// bytes of stored shapes, of which the registry has hashes.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false)
	err := w.Encode(v)
	return b.Bytes(), err
}

// register makes sure that the registry knows the stored shape of a resource and
// its settings, and returns its version: the number that it has in the lock file,
// unless another shape has it here. changed tells that the registry must be
// written.
func (r *registry) register(info resourceInfo, now time.Time) (version int, changed bool, err error) {
	version, changed, err = r.registerShape(info.name, info.schema, info.version, now)
	if err != nil {
		return 0, false, err
	}
	settings, err := info.storedSettings()
	if err != nil {
		return 0, false, err
	}
	// A program that is older than the database does not know better.
	if res := r.Resources[info.name]; settings != "" && version == res.Version && compactJSON(res.Settings) != settings {
		res.Settings = json.RawMessage(settings)
		r.Resources[info.name] = res
		changed = true
	}
	return version, changed, nil
}

// registerShape takes the number that is locked for a new version if it is free.
func (r *registry) registerShape(name, schema string, locked int, now time.Time) (version int, changed bool, err error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(schema)); err != nil {
		return 0, false, configError("the stored shape of resource %q is not JSON: %w", name, err)
	}
	sum := sha256.Sum256(compact.Bytes())
	hash := hex.EncodeToString(sum[:])
	res := r.Resources[name]
	for _, v := range res.Versions {
		if v.Hash == hash {
			return v.Version, false, nil
		}
	}
	version = locked
	if slices.ContainsFunc(res.Versions, func(v registryVersion) bool { return v.Version == version }) {
		version = res.Version + 1
	}
	res.Version = max(res.Version, version)
	res.Versions = append(res.Versions, registryVersion{
		Version: version, Hash: hash, Created: now.UTC().Truncate(time.Second), Schema: compact.Bytes(),
	})
	r.Resources[name] = res
	return version, true, nil
}

// loadRegistry reads the registry, brings it up to date with what this program
// knows, and returns it with the version of each resource. It costs one request
// when there is nothing to change.
func (db *Database) loadRegistry(ctx context.Context, config Config) error {
	for n := 0; ; n++ {
		reg, etag, err := db.readRegistry(ctx)
		if err != nil {
			return err
		}
		changed := false
		if reg == nil && config.Existing {
			return fmt.Errorf("%w: there is no database here (no %s)", ErrNotFound, db.registryKey())
		}
		if reg == nil {
			if reg, err = newRegistry(db.options.now()); err != nil {
				return err
			}
			changed = true
		}
		probed, err := db.learnServer(ctx, reg)
		if err != nil {
			return err
		}
		changed = changed || probed
		merged := config
		if merged.Resources, err = db.discover(reg, config); err != nil {
			return err
		}
		versions := make(map[string]int, len(merged.Resources))
		infos := make(map[string]resourceInfo, len(merged.Resources))
		var news []DatabaseEvent
		for _, res := range merged.Resources {
			info := res.info()
			known := reg.newest(info.name)
			version, added, err := reg.register(info, db.options.now())
			if err != nil {
				return err
			}
			versions[info.name], infos[info.name] = version, info
			changed = changed || added
			if added && version > known {
				e := DatabaseEvent{Kind: EventVersionUpdated, Operation: "open", Resource: info.name, OldVersion: known, NewVersion: version}
				if known < 0 {
					e.Kind = EventResourceCreated
				}
				news = append(news, e)
			}
		}
		added, err := db.loadKeys(ctx, reg, merged)
		if err != nil {
			return err
		}
		changed = changed || added
		db.infos = infos
		if err := db.look(reg, versions); err != nil {
			return err
		}
		if changed {
			won, err := db.writeRegistry(ctx, reg, etag)
			if err != nil {
				return err
			}
			if !won { // another process changed it: look again
				if n >= db.requests.policy.Conflicts {
					return fmt.Errorf("%w: %s keeps changing", ErrConflict, registryName)
				}
				if err := db.requests.policy.wait(ctx, min(n, 4)); err != nil {
					return err
				}
				continue
			}
			news = append(news, DatabaseEvent{Kind: EventSchemaWritten, Operation: "open"})
		}
		db.news = news
		db.id, db.salt, db.versions = reg.Database, reg.Salt, versions
		db.resources = slices.Sorted(maps.Keys(reg.Resources))
		db.described = reg.describe()
		return nil
	}
}

// readRegistry returns nil when the database does not exist yet.
func (db *Database) readRegistry(ctx context.Context) (*registry, string, error) {
	obj, err := db.requests.get(ctx, db.registryKey())
	if errors.Is(err, ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	reg, err := parseRegistry(obj.Body)
	return reg, obj.ETag, err
}

// writeRegistry reports false when another process was first.
func (db *Database) writeRegistry(ctx context.Context, reg *registry, etag string) (bool, error) {
	rev, err := newRevision()
	if err != nil {
		return false, err
	}
	reg.Revision = rev
	body, err := reg.marshal()
	if err != nil {
		return false, err
	}
	cond := IfAbsent()
	if etag != "" {
		cond = IfMatchETag(etag)
	}
	_, _, err = db.requests.putIf(ctx, db.registryKey(), body, nil, cond)
	if errors.Is(err, ErrPrecondition) {
		// Also when this very write was applied and its reply lost: reading again
		// then finds nothing left to change.
		return false, nil
	}
	return err == nil, err
}

// errUnchanged ends a change of the registry that has nothing to change.
var errUnchanged = errors.New("unchanged")

// changeRegistry changes the registry by compare-and-swap, and takes over what it
// says then. change may be called several times; now is the server's clock, zero
// when the store has none. Its error is returned, and nothing is written then.
func (db *Database) changeRegistry(ctx context.Context, change func(reg *registry, now time.Time) error) error {
	policy := db.requests.policy
	for n := 0; ; n++ {
		obj, err := db.requests.get(ctx, db.registryKey())
		if err != nil {
			return err
		}
		reg, err := parseRegistry(obj.Body)
		if err != nil {
			return err
		}
		won := true
		if err = change(reg, obj.ServerTime); err == nil {
			won, err = db.writeRegistry(ctx, reg, obj.ETag)
		} else if errors.Is(err, errUnchanged) {
			err = nil
		}
		switch {
		case err != nil:
			return err
		case won:
			return db.look(reg, db.versions)
		case n+1 >= policy.Conflicts:
			return fmt.Errorf("%w: %s keeps changing", ErrConflict, registryName)
		}
		if err := policy.wait(ctx, min(n, 4)); err != nil {
			return err
		}
	}
}

// learnServer decides the capabilities: those the store is sure of, those found
// here earlier, or those that Probe measures now.
func (db *Database) learnServer(ctx context.Context, reg *registry) (changed bool, err error) {
	caps := db.requests.store.Capabilities()
	if caps.Unproven {
		known, ok := reg.Servers[caps.Server]
		if !ok {
			known, err = Probe(ctx, db.requests.store, db.prefix)
			if err != nil {
				return false, err
			}
			if reg.Servers == nil {
				reg.Servers = map[string]Capabilities{}
			}
			reg.Servers[caps.Server] = known
			changed = true
		}
		known.Server = caps.Server
		caps = known
	}
	if !caps.ConditionalPut && !db.options.singleWriter {
		return false, configError("the server ignores the conditions of writes (If-Match, If-None-Match), so updates would be lost and " +
			"unique attributes doubled; use another server, or pass s3db.SingleWriter() if one process alone writes, one write at a time")
	}
	if caps.MetadataLimit < minMetadataLimit {
		return false, configError("the server keeps %d bytes of metadata; at least %d are needed", caps.MetadataLimit, minMetadataLimit)
	}
	db.caps = caps
	return changed, nil
}

// minMetadataLimit holds the system header and little more.
const minMetadataLimit = 64
