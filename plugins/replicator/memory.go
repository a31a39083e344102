package replicator

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// memory knows the intents that the log has settled. One that is there again must not
// be settled again, behind later writes of its document: the settler may have crashed
// before it removed it, and a request that puts it may arrive late, or twice.
//
// Such an object is at most a request's life younger than the segment that settled it,
// so the log is known back to that long before the oldest intent that is there.
type memory struct {
	space *s3db.Space
	shard int

	known    map[string]bool // by the last part of their keys, which no other has
	segments []remembered    // those that are known, ascending without a gap
	before   []listedSegment // those that are not, ascending; all are older
}

type remembered struct {
	at      time.Time // by the server's clock, or shortly before
	intents []string
}

// listedSegment is a segment as a listing shows it.
type listedSegment struct {
	number uint64
	at     time.Time
}

// requestLife is longer than a request can be under way: docs/protocol.md, "Time".
const requestLife = 30 * time.Minute

// recall makes sure that the log is known back to a time.
func (m *memory) recall(ctx context.Context, need time.Time) error {
	for len(m.before) > 0 && !m.before[len(m.before)-1].at.Before(need) {
		from := len(m.before) - 1
		for from > 0 && len(m.before)-from < width && !m.before[from-1].at.Before(need) {
			from--
		}
		page := m.before[from:]
		found := make([]remembered, len(page))
		err := each(len(page), func(i int) error {
			seg, err := readSegment(ctx, m.space, m.shard, page[i].number)
			if errors.Is(err, s3db.ErrNotFound) {
				return nil
			}
			if err == nil {
				found[i] = remembered{page[i].at, seg.Intents}
			}
			return err
		})
		if err != nil {
			return err
		}
		for _, r := range found {
			m.learn(r.intents)
		}
		m.segments = slices.Concat(found, m.segments)
		m.before = m.before[:from]
	}
	return nil
}

// add learns the newest segment.
func (m *memory) add(at time.Time, intents []string) {
	m.segments = append(m.segments, remembered{at, intents})
	m.learn(intents)
}

func (m *memory) learn(intents []string) {
	if m.known == nil {
		m.known = map[string]bool{}
	}
	for _, key := range intents {
		m.known[lastPart(key)] = true
	}
}

// settled reports whether the log has settled an intent.
func (m *memory) settled(key string) bool { return m.known[lastPart(key)] }

func lastPart(key string) string { return key[strings.LastIndexByte(key, '/')+1:] }

// forget drops what is older than any intent that is there can be concerned with.
func (m *memory) forget(before time.Time) {
	for len(m.segments) > 1 && m.segments[0].at.Before(before) {
		for _, key := range m.segments[0].intents {
			delete(m.known, lastPart(key))
		}
		m.segments = m.segments[1:]
		m.before = nil // all of them are older
	}
}
