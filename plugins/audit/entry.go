package audit

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// The operations that can be tracked. An upsert is an insert or an update, a
// replacement and a change of a content are updates, and a method for many
// documents is the operation on each.
const (
	Insert = "insert"
	Update = "update"
	Delete = "delete"
	Get    = "get"
)

// Entry says that somebody did something to a document.
type Entry struct {
	Time      time.Time     `json:"time"` // by the clock of the program; in a session never before that of the entry before
	Resource  string        `json:"resource"`
	Operation string        `json:"operation"` // Insert, Update, Delete or Get
	Method    string        `json:"method"`    // as the program called it, such as "upsert"
	ID        string        `json:"id"`        // of the document
	User      string        `json:"user,omitempty"`
	Base      s3db.Revision `json:"base,omitempty"`     // of the document before
	Revision  s3db.Revision `json:"revision,omitempty"` // of the document after
	// Before and After are the document as JSON under Options.IncludeData, secrets
	// and passwords as "[redacted]".
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`

	Session string `json:"session"` // of the program that wrote the entry
	Number  int64  `json:"number"`  // in the session, from 1

	// State is what became of the operation, as far as the session has said. It is
	// not stored with the entry.
	State State `json:"-"`
}

// State is what became of the operation of an entry.
type State string

// The states of entries.
const (
	Committed State = "committed" // it is done
	Refused   State = "refused"   // it was not done, and the entry is left over
	Unknown   State = "unknown"   // the program could not learn what became of it
	Open      State = "open"      // the session has not said yet, or ended before it could
)

// stored is an entry with its links to the others of its session.
type stored struct {
	Format int `json:"format"`
	Entry

	Open    []int64 `json:"open,omitempty"`    // entries before it that are under way
	Refused []gap   `json:"refused,omitempty"` // entries before it that do not count, and may be gone
	Unknown []int64 `json:"unknown,omitempty"` // entries before it whose outcome nobody knows
	Prev    string  `json:"prev"`              // hash of the entry before, or of the session

	hash string
}

// gap is an entry that may be missing. It carries the link that the chain would
// lose with it.
type gap struct {
	Number int64  `json:"number"`
	Prev   string `json:"prev"`
}

const (
	format      = 1
	sessionRoot = "session/"
	entryRoot   = "entry/"
	timeForm    = "20060102T150405"
	hashMember  = `,"hash":"`
)

// digest is the hash of an object without its member "hash": an HMAC when the log
// has a key.
type digest struct{ key []byte }

func (d digest) sum(body []byte) string {
	if len(d.key) == 0 {
		sum := sha256.Sum256(body)
		return hex.EncodeToString(sum[:])
	}
	mac := hmac.New(sha256.New, d.key)
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// seal writes an object with its hash as the last member.
func (d digest) seal(v any) (body []byte, hash string, err error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, "", err
	}
	hash = d.sum(plain)
	return append(plain[:len(plain)-1:len(plain)-1], hashMember+hash+`"}`...), hash, nil
}

var errAltered = errors.New("its hash is not that of what it says: it was altered, or the key is another one")

// open reads an object that seal wrote.
func (d digest) open(body []byte, v any) (hash string, err error) {
	at := bytes.LastIndex(body, []byte(hashMember))
	if at < 0 || !bytes.HasSuffix(body, []byte(`"}`)) {
		return "", errAltered
	}
	hash = string(body[at+len(hashMember) : len(body)-2])
	plain := append(body[:at:at], '}')
	if !hmac.Equal([]byte(hash), []byte(d.sum(plain))) {
		return "", errAltered
	}
	return hash, json.Unmarshal(plain, v)
}

// parse reads an entry from its object, which must have the name of the entry.
func (d digest) parse(key string, body []byte) (*stored, error) {
	e := &stored{}
	hash, err := d.open(body, e)
	switch {
	case err != nil:
		return nil, err
	case e.Format != format:
		return nil, fmt.Errorf("%w: an entry of format %d", s3db.ErrNewerFormat, e.Format)
	case e.key() != key:
		return nil, errors.New("it has the name of another entry")
	}
	e.hash = hash
	return e, nil
}

// key is the name of an entry. All that a query asks for stands in it, so that a
// listing answers which entries to read:
//
//	entry/resource=users/20261124T201500.000000000!insert!ada!5d5ec18f!<session>!1
func (e *Entry) key() string {
	return fmt.Sprintf("%s%s!%s!%s!%s!%s!%d", resourceRoot(e.Resource), keyTime(e.Time), e.Operation, keyUser(e.User), keyID(e.ID), e.Session, e.Number)
}

func resourceRoot(resource string) string {
	return entryRoot + "resource=" + s3db.KeyText(resource) + "/"
}

func keyTime(t time.Time) string {
	t = t.UTC()
	return fmt.Sprintf("%s.%09d", t.Format(timeForm), t.Nanosecond())
}

// keyUser is a user in a name; long ones are hashed, and compared in the entry.
func keyUser(user string) string {
	const longest = 80
	if text := s3db.KeyText(user); len(text) <= longest {
		return text
	}
	return short("user", user) + short("user again", user)
}

// keyID is short: it rules out nearly all other documents, and the entry decides.
func keyID(id string) string { return short("id", id) }

func short(what, text string) string {
	sum := sha256.Sum256([]byte(what + " " + text))
	return hex.EncodeToString(sum[:8])
}

// named is what the name of an entry tells.
type named struct {
	time, operation, user, id, session string
	number                             string
}

func parseKey(key string) (n named, ok bool) {
	_, name, ok := strings.Cut(strings.TrimPrefix(key, entryRoot), "/")
	parts := strings.Split(name, "!")
	if !ok || len(parts) != 6 {
		return named{}, false
	}
	return named{parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]}, true
}
