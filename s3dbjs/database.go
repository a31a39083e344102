package s3dbjs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// definitionKey is the object that describes a database.
const definitionKey = "s3db.json"

// Database is a database of s3db.js, open for reading. It is safe for concurrent
// use.
type Database struct {
	Definition *Definition
	reader     *s3db.Reader
	passphrase string
}

// Open reads the definition of the database at the reader's place. passphrase
// decrypts secrets; without one they become problems. Errors match
// s3db.ErrNotFound when there is no database, or ErrDefinition.
func Open(ctx context.Context, reader *s3db.Reader, passphrase string) (*Database, error) {
	object, err := reader.Get(ctx, definitionKey)
	if errors.Is(err, s3db.ErrNotFound) {
		return nil, fmt.Errorf("there is no database here (no %s): %w", definitionKey, err)
	}
	if err != nil {
		return nil, err
	}
	def, err := ParseDefinition(object.Body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", definitionKey, err)
	}
	return &Database{Definition: def, reader: reader, passphrase: passphrase}, nil
}

// Get reads a document. The error is one of the store; what cannot be decoded is a
// problem of the record. It costs 1 request.
func (db *Database) Get(ctx context.Context, r *Resource, id string) (*Record, error) {
	object, err := db.reader.Get(ctx, dataPrefix(r.Name)+id)
	if err != nil {
		return nil, err
	}
	return r.Decode(id, object, db.passphrase), nil
}

// IDs returns the ids of a resource's documents, in the order of their bytes. An id
// may hold slashes; s3db.js then lists its first part only. An error ends the
// sequence. It costs 1 request for each 1,000.
func (db *Database) IDs(ctx context.Context, r *Resource) iter.Seq2[string, error] {
	prefix := dataPrefix(r.Name)
	return func(yield func(string, error) bool) {
		for item, err := range db.reader.List(ctx, prefix) {
			if !yield(strings.TrimPrefix(item.Key, prefix), err) || err != nil {
				return
			}
		}
	}
}

func dataPrefix(resource string) string { return "resource=" + resource + "/data/id=" }

// Survey counts the objects of a database by what they are.
type Survey struct {
	Documents  map[string]int `json:"documents"`  // by resource
	References int            `json:"references"` // to documents, in partitions
	Historical int            `json:"historical"` // copies of older states
	Plugins    int            `json:"plugins"`    // data of plugins
	Others     int            `json:"others"`     // objects that belong to none of these
	Examples   []string       `json:"examples"`   // the first keys of Others
}

// maxExamples bounds the keys that a survey names.
const maxExamples = 100

// Survey lists the whole database. It costs 1 request for each 1,000 objects.
func (db *Database) Survey(ctx context.Context) (*Survey, error) {
	s := &Survey{Documents: map[string]int{}, Examples: []string{}}
	for _, r := range db.Definition.Resources {
		s.Documents[r.Name] = 0
	}
	for item, err := range db.reader.List(ctx, "") {
		if err != nil {
			return nil, err
		}
		s.count(item.Key)
	}
	return s, nil
}

func (s *Survey) count(key string) {
	if key == definitionKey {
		return
	}
	if strings.HasPrefix(key, "plugin=") {
		s.Plugins++
		return
	}
	if rest, ok := strings.CutPrefix(key, "resource="); ok {
		name, below, _ := strings.Cut(rest, "/")
		_, known := s.Documents[name]
		switch {
		case known && strings.HasPrefix(below, "data/id="):
			s.Documents[name]++
			return
		case known && strings.HasPrefix(below, "partition="):
			s.References++
			return
		case known && strings.HasPrefix(below, "historical/"):
			s.Historical++
			return
		case known && strings.HasPrefix(below, "plugin="):
			s.Plugins++
			return
		}
	}
	s.Others++
	if len(s.Examples) < maxExamples {
		s.Examples = append(s.Examples, key)
	}
}
