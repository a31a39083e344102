package config

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/schema"
)

// Settings are what stands under config of a replicator, or in a part of it. Each method
// reads one key, which may be missing: then the result is the zero value. What a driver
// does not ask for is a mistake of the file.
type Settings struct {
	reader *reader
	at     schema.Value
	owner  schema.Value // what is shown when there is no config at all
	asked  map[string]bool
	parts  []*Settings
}

func (s *Settings) get(name string) (key, value schema.Value, ok bool) {
	s.asked[name] = true
	for _, p := range s.at.Pairs() {
		if p.Key.Text() == name {
			return p.Key, p.Value, !p.Value.IsNull()
		}
	}
	return schema.Value{}, schema.Value{}, false
}

// Has reports whether a key is given.
func (s *Settings) Has(name string) bool {
	_, _, ok := s.get(name)
	return ok
}

// Text reads a text. Variables of the environment are replaced.
func (s *Settings) Text(name string) string {
	key, v, ok := s.get(name)
	if !ok {
		return ""
	}
	return s.reader.text(key, v)
}

// Required reads a text that must be there.
func (s *Settings) Required(name string) string {
	if !s.Has(name) {
		at := s.at
		if !at.Exists() {
			at = s.owner
		}
		s.reader.doc.Report(at, schema.Mistake{Code: schema.CodeMissingKey, Message: "config has no " + name, Hidden: true})
		return ""
	}
	return s.Text(name)
}

// Number reads a whole number.
func (s *Settings) Number(name string, from, to int) int {
	key, v, ok := s.get(name)
	if !ok {
		return 0
	}
	return s.reader.number(key, v, from, to)
}

// Bool reads true or false.
func (s *Settings) Bool(name string) bool {
	key, v, ok := s.get(name)
	return ok && s.reader.boolean(key, v)
}

// Duration reads a time: 30s, 5m, or a number of milliseconds.
func (s *Settings) Duration(name string) time.Duration {
	key, v, ok := s.get(name)
	if !ok {
		return 0
	}
	return s.reader.duration(key, v)
}

// OneOf reads one of some words; the first one is that of a missing key.
func (s *Settings) OneOf(name string, words ...string) string {
	key, v, ok := s.get(name)
	if !ok {
		return words[0]
	}
	word := s.reader.text(key, v)
	if word != "" && !slices.Contains(words, word) {
		s.reader.value(key, v, "one of "+strings.Join(words, ", "), schema.DidYouMean(word, words))
		return words[0]
	}
	return word
}

// Texts reads a list of texts, or one.
func (s *Settings) Texts(name string) []string {
	key, v, ok := s.get(name)
	if !ok {
		return nil
	}
	if v.IsText() {
		return []string{s.reader.text(key, v)}
	}
	var list []string
	for _, item := range s.reader.items(key, v) {
		list = append(list, s.reader.text(key, item))
	}
	return list
}

// Map reads texts by name.
func (s *Settings) Map(name string) map[string]string {
	part := s.Part(name)
	m := map[string]string{}
	for _, p := range part.at.Pairs() {
		m[p.Key.Text()] = part.Text(p.Key.Text())
	}
	return m
}

// Keys reads the keys that secrets of a database are encrypted with: a passphrase, or a
// key of 32 bytes in base64 with its id. Without either there is none.
func (s *Settings) Keys() []s3db.Option {
	var options []s3db.Option
	if passphrase := s.Text("passphrase"); passphrase != "" {
		options = append(options, s3db.WithPassphrase(passphrase))
	}
	if !s.Has("key") && !s.Has("keyId") {
		return options
	}
	id, text := s.Text("keyId"), s.Text("key")
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != 32 || id == "" {
		s.Refuse("key", "key must be 32 bytes in base64, with an id in keyId", "make one with: openssl rand -base64 32")
		return options
	}
	return append(options, s3db.WithKey(id, key))
}

// Part reads settings below a key. Without the key they are empty.
func (s *Settings) Part(name string) *Settings {
	part := &Settings{reader: s.reader, owner: s.owner, asked: map[string]bool{}}
	key, v, ok := s.get(name)
	if !ok {
		return part
	}
	if !v.IsMapping() {
		s.reader.doc.Report(v, schema.Mistake{Code: schema.CodeWrongNode, Message: fmt.Sprintf("%s must be a mapping, this is %s", key.Text(), v.Kind()), Hidden: true})
		return part
	}
	part.at = v
	s.parts = append(s.parts, part)
	return part
}

// Refuse tells what is wrong with the value of a key. The message must not have the
// value.
func (s *Settings) Refuse(name, message, help string) {
	_, v, ok := s.get(name)
	if !ok {
		v = s.at
	}
	s.reader.doc.Report(v, schema.Mistake{Code: schema.CodeTargetSettings, Message: message, Help: help, Hidden: true})
}

// refuseAll tells what a driver says of its settings.
func (s *Settings) refuseAll(err error) {
	at := s.at
	if !at.Exists() {
		at = s.owner
	}
	message := strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "configuration: ")
	s.reader.doc.Report(at, schema.Mistake{Code: schema.CodeTargetSettings, Message: message, Hidden: true})
}

// finish reports the keys that nobody asked for.
func (s *Settings) finish() {
	names := slices.Sorted(maps.Keys(s.asked))
	for _, p := range s.at.Pairs() {
		if !s.asked[p.Key.Text()] {
			s.reader.doc.Unknown(p.Key, names, true)
		}
	}
	for _, part := range s.parts {
		part.finish()
	}
}
