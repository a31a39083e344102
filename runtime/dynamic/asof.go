package dynamic

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// asOf returns what the registry would say of a resource if a version, known by its
// hash, were the newest: without the versions behind it, what leads to them, and what
// the settings say of attributes that it has not got.
func asOf(r *s3db.DescribedResource, hash string) (*s3db.DescribedResource, error) {
	i := slices.IndexFunc(r.Versions, func(v s3db.DescribedVersion) bool { return v.Hash == hash })
	if i < 0 {
		return nil, fmt.Errorf("%w: resource %q has no version with the hash %q", s3db.ErrNotFound, r.Name, hash)
	}
	at := r.Versions[i]
	if at.Version == r.Version {
		return r, nil
	}
	older := &s3db.DescribedResource{Name: r.Name, Version: at.Version}
	for _, v := range r.Versions {
		if v.Version <= at.Version {
			older.Versions = append(older.Versions, v)
		}
	}
	if r.Settings == "" {
		return older, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(r.Settings), &members); err != nil {
		return nil, fmt.Errorf("%w: the settings of resource %q: %w", s3db.ErrCorrupt, r.Name, err)
	}
	fail := func(err error) (*s3db.DescribedResource, error) {
		return nil, fmt.Errorf("%w: the settings of resource %q: %w", s3db.ErrCorrupt, r.Name, err)
	}
	if err := cutHistory(members, hash); err != nil {
		return fail(err)
	}
	if err := cutTexts(members, at.Schema); err != nil {
		return fail(err)
	}
	text, err := json.Marshal(members)
	if err != nil {
		return fail(err)
	}
	older.Settings = string(text)
	return older, nil
}

// edit replaces a member, if it is there, by what f makes of it.
func edit[T any](members map[string]json.RawMessage, name string, f func(T) T) error {
	text, ok := members[name]
	if !ok {
		return nil
	}
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	text, err := json.Marshal(f(v))
	members[name] = text
	return err
}

// cutHistory leaves the versions up to one, and the steps between them.
func cutHistory(members map[string]json.RawMessage, hash string) error {
	n := 0
	err := edit(members, "hashes", func(list []string) []string {
		n = slices.Index(list, hash) + 1
		return list[:n]
	})
	if err != nil {
		return err
	}
	return edit(members, "steps", func(list []json.RawMessage) []json.RawMessage {
		return slices.DeleteFunc(list, func(text json.RawMessage) bool {
			var step struct {
				Version int `json:"version"`
			}
			return json.Unmarshal(text, &step) != nil || step.Version >= n
		})
	})
}

// cutTexts leaves the texts of attributes that a version has.
func cutTexts(members map[string]json.RawMessage, schema string) error {
	var stored storedShape
	if err := json.Unmarshal([]byte(schema), &stored); err != nil {
		return err
	}
	has := func(path string) bool {
		fields := stored.Fields
		for name := range strings.SplitSeq(path, ".") {
			i := slices.IndexFunc(fields, func(f storedField) bool { return f.Name == name })
			if i < 0 {
				return false
			}
			t := &fields[i].storedType
			if t.Items != nil {
				t = t.Items
			}
			fields = t.Fields
		}
		return true
	}
	return edit(members, "texts", func(list []settingText) []settingText {
		return slices.DeleteFunc(list, func(t settingText) bool { return !has(t.Path) })
	})
}
