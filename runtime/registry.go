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
	Resources map[string]registryResource `json:"resources"`

	unknown map[string]json.RawMessage
}

// registryResource is the history of one resource's stored shape.
type registryResource struct {
	Version  int               `json:"version"` // the newest
	Settings json.RawMessage   `json:"settings,omitempty"`
	Versions []registryVersion `json:"versions"`
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
	for _, known := range []string{"format", "database", "salt", "created", "revision", "servers", "keys", "hashKeys", "resources"} {
		delete(r.unknown, known)
	}
	if r.Resources == nil {
		r.Resources = map[string]registryResource{}
	}
	return r, nil
}

func (r *registry) marshal() ([]byte, error) {
	known, err := plainJSON(r)
	if err != nil {
		return nil, err
	}
	if len(r.unknown) > 0 {
		all := map[string]json.RawMessage{}
		if err := json.Unmarshal(known, &all); err != nil {
			return nil, err
		}
		maps.Copy(all, r.unknown)
		if known, err = plainJSON(all); err != nil {
			return nil, err
		}
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
// its settings, and returns its version. changed tells that the registry must be
// written.
func (r *registry) register(info resourceInfo, now time.Time) (version int, changed bool, err error) {
	version, changed, err = r.registerShape(info.name, info.schema, now)
	if err != nil {
		return 0, false, err
	}
	// A program that is older than the database does not know better.
	if res := r.Resources[info.name]; info.settings != "" && version == res.Version && compactJSON(res.Settings) != info.settings {
		res.Settings = json.RawMessage(info.settings)
		r.Resources[info.name] = res
		changed = true
	}
	return version, changed, nil
}

func (r *registry) registerShape(name, schema string, now time.Time) (version int, changed bool, err error) {
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
	if len(res.Versions) > 0 {
		version = res.Version + 1
	}
	res.Version = version
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
		var news []DatabaseEvent
		for _, res := range merged.Resources {
			info := res.info()
			known := reg.newest(info.name)
			version, added, err := reg.register(info, db.options.now())
			if err != nil {
				return err
			}
			versions[info.name] = version
			changed = changed || added
			if reg.newest(info.name) != known {
				e := DatabaseEvent{Kind: EventVersionUpdated, Operation: "open", Resource: info.name, OldVersion: known, NewVersion: version}
				if known < 0 {
					e.Kind = EventResourceCreated
				}
				news = append(news, e)
			}
		}
		added, err := db.loadKeys(reg, merged)
		if err != nil {
			return err
		}
		changed = changed || added
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
