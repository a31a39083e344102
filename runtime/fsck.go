package s3db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// FsckOptions change what [Database.Fsck] does.
type FsckOptions struct {
	// Repair removes what was found to be left over.
	Repair bool
	// Exclusive promises that nothing else uses the database. Leftovers then count
	// whatever their age, and tombstones can be removed on servers that have no
	// conditional delete.
	Exclusive bool
	// Grace is the age, by the server's clock, below which a leftover may be work
	// in progress. It is an hour unless a larger one is given, see docs/protocol.md.
	Grace time.Duration
}

// minGrace is far above the life of an attempt and of a signed request.
const minGrace = time.Hour

// FindingKind says what is wrong with an object.
type FindingKind string

// The kinds of findings. Leftovers are harmless: readers do not see them.
// Violations should never be found: please report them.
const (
	DanglingEntry   FindingKind = "dangling-entry"   // leftover: an entry that no document names
	AbandonedClaim  FindingKind = "abandoned-claim"  // leftover: a claim whose owner does not hold the value
	OldTombstone    FindingKind = "tombstone"        // leftover: of a delete, an hour or more ago
	LeftContent     FindingKind = "left-content"     // leftover: a content that no document names
	LeftHistory     FindingKind = "left-history"     // leftover: a kept state that no document names
	AbandonedUpload FindingKind = "abandoned-upload" // leftover: parts of a content that was never complete
	MissingEntry    FindingKind = "missing-entry"    // violation: a document names an entry that is not there
	MissingClaim    FindingKind = "missing-claim"    // violation: a document names a claim that is not its own
	MissingContent  FindingKind = "missing-content"  // violation: a document names a content that is not there, or not whole
	MissingHistory  FindingKind = "missing-history"  // violation: a document names a kept state that is not there
	CorruptObject   FindingKind = "corrupt"          // violation: an object that cannot be read
)

// Finding is one object that should not be as it is.
type Finding struct {
	Kind     FindingKind `json:"kind"`
	Resource string      `json:"resource"`
	ID       string      `json:"id,omitempty"`
	Key      string      `json:"key"`
	Detail   string      `json:"detail,omitempty"`
	Repaired bool        `json:"repaired"`
}

// FsckReport is the result of [Database.Fsck].
type FsckReport struct {
	Documents  int       `json:"documents"`
	Entries    int       `json:"entries"`
	Claims     int       `json:"claims"`
	Contents   int       `json:"contents"`
	History    int       `json:"history"` // states that were kept of documents
	Tombstones int       `json:"tombstones"`
	Sequences  int       `json:"sequences"`
	Recent     int       `json:"recent"` // leftovers that may be work in progress
	Findings   []Finding `json:"findings"`
}

// Clean reports whether nothing is wrong, or everything was repaired.
func (r *FsckReport) Clean() bool {
	return !slices.ContainsFunc(r.Findings, func(f Finding) bool { return !f.Repaired })
}

// Fsck compares the documents of every resource that the database knows with
// their partition entries, unique claims and contents, reads the sequences, and reports
// what does not fit; with Repair it removes leftovers. It is safe while writers run, and needs no
// generated code. It reads every document: 1 request for each, and 1 for each
// 1,000 keys. Errors are those of the store; findings are none.
func (db *Database) Fsck(ctx context.Context, o FsckOptions) (*FsckReport, error) {
	o.Grace = max(o.Grace, minGrace)
	report := &FsckReport{Findings: []Finding{}}
	for _, name := range db.resources {
		f := &fsck{db: db, resource: name, options: o, report: report, owners: map[string]owner{}}
		if err := f.run(ctx); err != nil {
			return nil, databaseError("fsck", err)
		}
	}
	for x, err := range db.storedSequences(ctx) {
		switch {
		case err == nil:
			report.Sequences++
		case x.key == "":
			return nil, databaseError("fsck", err)
		default:
			report.Findings = append(report.Findings, Finding{Kind: CorruptObject, Key: x.key, Detail: err.Error()})
		}
	}
	return report, nil
}

// fsck checks one resource. It reads the documents first and the entries and
// claims after them, so that an entry that a document names must be in the
// listing, unless the document changed; whatever looks wrong is looked at again.
type fsck struct {
	db       *Database
	resource string
	options  FsckOptions
	report   *FsckReport

	mu     sync.Mutex
	owners map[string]owner // by id
}

// owner is what a document says of its entries and claims.
type owner struct {
	entries map[string]string   // partition → token
	claims  map[string]claimRef // unique constraint → claim
	content *contentRef         // nil: none
	history map[int]string      // version → token of a kept state
}

func ownerOf(r *record) owner {
	return owner{entries: r.entries, claims: r.claims, content: r.content, history: r.history}
}

func (f *fsck) run(ctx context.Context) error {
	if err := f.readDocuments(ctx); err != nil {
		return err
	}
	if err := f.checkEntries(ctx); err != nil {
		return err
	}
	if err := f.checkClaims(ctx); err != nil {
		return err
	}
	if err := f.checkHistory(ctx); err != nil {
		return err
	}
	return f.checkContents(ctx)
}

func (f *fsck) find(x Finding) {
	x.Resource = f.resource
	f.mu.Lock()
	defer f.mu.Unlock()
	f.report.Findings = append(f.report.Findings, x)
}

// old reports whether an object can be nobody's work in progress.
func (f *fsck) old(item ListItem, now time.Time) bool {
	return f.options.Exclusive || (!now.IsZero() && now.Sub(item.LastModified) >= f.options.Grace)
}

// pages lists everything below a prefix, with the server's clock of each page.
func (f *fsck) pages(ctx context.Context, prefix string, visit func(*ListPage) error) error {
	after := ""
	for {
		var page *ListPage
		err := f.db.requests.repeat(ctx, RequestList, prefix, func(ctx context.Context) (e error) {
			page, e = f.db.requests.store.List(ctx, ListRequest{Prefix: prefix, StartAfter: after})
			return e
		})
		if err != nil {
			return err
		}
		if err := visit(page); err != nil {
			return err
		}
		if !page.More || len(page.Items) == 0 {
			return nil
		}
		after = page.Items[len(page.Items)-1].Key
	}
}

// each runs a function for the items of a page, several at a time.
func (f *fsck) each(items []ListItem, do func(ListItem) error) error {
	errs := make([]error, len(items))
	parallel(len(items), f.db.options.concurrency, func(i int) { errs[i] = do(items[i]) })
	return errors.Join(errs...)
}

func (f *fsck) readDocuments(ctx context.Context) error {
	return f.pages(ctx, dataPrefix(f.db.prefix, f.resource), func(page *ListPage) error {
		return f.each(page.Items, func(item ListItem) error { return f.readDocument(ctx, item, page.ServerTime) })
	})
}

func (f *fsck) readDocument(ctx context.Context, item ListItem, now time.Time) error {
	id, ok := parseDataKey(f.db.prefix, f.resource, item.Key)
	if !ok {
		f.find(Finding{Kind: CorruptObject, Key: item.Key, Detail: "the key holds no id"})
		return nil
	}
	s, err := f.db.readState(ctx, item.Key)
	if errors.Is(err, ErrCorrupt) || errors.Is(err, ErrNewerFormat) {
		f.find(Finding{Kind: CorruptObject, Key: item.Key, ID: id, Detail: err.Error()})
		return nil
	}
	if err != nil {
		return err
	}
	f.mu.Lock()
	switch {
	case s.live():
		f.report.Documents++
		f.owners[id] = ownerOf(s.record)
	case s.record != nil:
		f.report.Tombstones++
	}
	f.mu.Unlock()
	if s.record != nil && !s.live() && s.etag == item.ETag {
		return f.tombstone(ctx, id, item, now)
	}
	return nil
}

// tombstone removes one that is old enough.
func (f *fsck) tombstone(ctx context.Context, id string, item ListItem, now time.Time) error {
	if !f.old(item, now) {
		f.recent()
		return nil
	}
	x := Finding{Kind: OldTombstone, Key: item.Key, ID: id}
	if f.options.Repair {
		switch {
		case f.db.caps.ConditionalDelete:
			_, err := f.db.requests.deleteIf(ctx, item.Key, IfMatchETag(item.ETag))
			if err != nil && !decided(err) {
				return err
			}
			x.Repaired = true
		case f.options.Exclusive:
			if err := f.db.requests.remove(ctx, []string{item.Key}); err != nil {
				return err
			}
			x.Repaired = true
		default:
			// Not a finding: on this server a tombstone can only go when nobody writes.
			f.recent()
			return nil
		}
	}
	f.find(x)
	return nil
}

func (f *fsck) recent() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.report.Recent++
}

// checkEntries finds entries that no document names, and documents whose entries
// are not there.
func (f *fsck) checkEntries(ctx context.Context) error {
	seen := map[string]bool{} // partition, id and token of each entry
	root := string(append(resourceKey(f.db.prefix, f.resource), "partition="...))
	partition := func(item ListItem) string {
		name, _, _ := strings.Cut(strings.TrimPrefix(item.Key, root), "/")
		return name
	}
	err := f.checkNamed(ctx, root, namedObjects{
		kind: DanglingEntry,
		what: "an entry",
		note: func(item ListItem, id, token string) {
			f.report.Entries++
			seen[entryName(partition(item), id, token)] = true
		},
		names: func(o owner, item ListItem, token string) bool { return o.entries[partition(item)] == token },
		old:   f.old,
	})
	if err != nil {
		return err
	}
	return f.missingEntries(ctx, seen)
}

// namedObjects are objects that count only if a document names them: its entries,
// or its content.
type namedObjects struct {
	kind  FindingKind // of one that no document names
	what  string      // in the finding of a key that is none of theirs
	note  func(item ListItem, id, token string)
	names func(o owner, item ListItem, token string) bool
	old   func(item ListItem, now time.Time) bool // it can be nobody's work in progress
}

// checkNamed finds those below a prefix that no document names, and removes them
// when it is to repair.
func (f *fsck) checkNamed(ctx context.Context, prefix string, objects namedObjects) error {
	var left []string
	err := f.pages(ctx, prefix, func(page *ListPage) error {
		for _, item := range page.Items {
			id, token, ok := parseEntryKey(item.Key)
			if !ok {
				f.find(Finding{Kind: CorruptObject, Key: item.Key, Detail: "the key is not that of " + objects.what})
				continue
			}
			objects.note(item, id, token)
			if objects.names(f.owners[id], item, token) {
				continue
			}
			wrong, err := f.unnamed(ctx, item, page.ServerTime, id, token, objects)
			if err != nil {
				return err
			}
			if wrong {
				left = append(left, item.Key)
				f.find(Finding{Kind: objects.kind, Key: item.Key, ID: id, Repaired: f.options.Repair})
			}
		}
		return nil
	})
	if err != nil || !f.options.Repair {
		return err
	}
	return f.db.requests.remove(ctx, left)
}

// unnamed reports whether an object that was not named by the document when it was
// read is not named now either, and too old to belong to a write in progress.
func (f *fsck) unnamed(ctx context.Context, item ListItem, now time.Time, id, token string, objects namedObjects) (bool, error) {
	if !objects.old(item, now) {
		f.recent()
		return false, nil
	}
	s, err := f.db.readState(ctx, dataKey(f.db.prefix, f.resource, id))
	switch {
	case errors.Is(err, ErrCorrupt), errors.Is(err, ErrNewerFormat):
		return false, nil // reported with the document; nothing of it is touched
	case err != nil:
		return false, err
	}
	return !s.live() || !objects.names(ownerOf(s.record), item, token), nil
}

// entryName is safe as a map key: neither part holds a "/".
func entryName(partition, id, token string) string { return partition + "/" + token + "/" + id }

func (f *fsck) missingEntries(ctx context.Context, seen map[string]bool) error {
	for id, o := range f.owners {
		for partition, token := range o.entries {
			if seen[entryName(partition, id, token)] {
				continue
			}
			s, err := f.db.readState(ctx, dataKey(f.db.prefix, f.resource, id))
			if err != nil {
				return err
			}
			if s.live() && s.record.entries[partition] == token {
				f.find(Finding{
					Kind: MissingEntry, Key: dataKey(f.db.prefix, f.resource, id), ID: id,
					Detail: fmt.Sprintf("partition %s has no entry with token %s; write the document again to restore it", partition, token),
				})
			}
		}
	}
	return nil
}

// claimObject is a claim in the store.
type claimObject struct {
	claim
	item ListItem
	now  time.Time
}

// checkClaims finds claims whose owner does not hold their value, and documents
// whose claims are not theirs.
func (f *fsck) checkClaims(ctx context.Context) error {
	root := string(append(resourceKey(f.db.prefix, f.resource), "unique="...))
	owned := map[string][]claimObject{} // by constraint and owner
	err := f.pages(ctx, root, func(page *ListPage) error {
		return f.each(page.Items, func(item ListItem) error {
			obj, err := f.db.requests.get(ctx, item.Key)
			if errors.Is(err, ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			c, err := parseClaim(obj.Body)
			f.mu.Lock()
			f.report.Claims++
			if err == nil && c.ID != "" {
				name, _, _ := strings.Cut(strings.TrimPrefix(item.Key, root), "/")
				if obj.ETag != item.ETag {
					// Written since the listing: what was read is not as old as what was listed.
					item.ETag, item.LastModified = obj.ETag, page.ServerTime
				}
				owned[name+"/"+c.ID] = append(owned[name+"/"+c.ID], claimObject{claim: c, item: item, now: page.ServerTime})
			}
			f.mu.Unlock()
			if err != nil {
				f.find(Finding{Kind: CorruptObject, Key: item.Key, Detail: err.Error()})
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	for place, claims := range owned {
		name, id, _ := strings.Cut(place, "/")
		if err := f.checkOwned(ctx, name, id, claims); err != nil {
			return err
		}
	}
	return f.missingClaims(ctx, owned)
}

// checkOwned looks at all claims of one document under one constraint. The
// document names one of them by its token. When it names none of them although it
// names some, another write to it has written the claim anew, and nobody can tell
// which one counts without the values: all are kept.
func (f *fsck) checkOwned(ctx context.Context, name, id string, claims []claimObject) error {
	s, err := f.db.readState(ctx, dataKey(f.db.prefix, f.resource, id))
	if errors.Is(err, ErrCorrupt) || errors.Is(err, ErrNewerFormat) || errors.Is(err, ErrInvalidID) {
		return nil
	}
	if err != nil {
		return err
	}
	token := ""
	if s.live() {
		token = s.record.claims[name].token
	}
	named := slices.ContainsFunc(claims, func(c claimObject) bool { return c.Token == token })
	if token != "" && !named {
		return nil
	}
	for _, c := range claims {
		if c.Token == token {
			continue
		}
		if !f.old(c.item, c.now) {
			f.recent()
			continue
		}
		if f.options.Repair {
			f.db.release(ctx, c.item.Key, c.item.ETag)
		}
		f.find(Finding{Kind: AbandonedClaim, Key: c.item.Key, ID: id, Repaired: f.options.Repair})
	}
	return nil
}

func (f *fsck) missingClaims(ctx context.Context, owned map[string][]claimObject) error {
	for id, o := range f.owners {
		for name, ref := range o.claims {
			if len(owned[name+"/"+id]) > 0 {
				continue
			}
			key := dataKey(f.db.prefix, f.resource, id)
			s, err := f.db.readState(ctx, key)
			if err != nil {
				return err
			}
			if s.live() && s.record.claims[name].token == ref.token {
				f.find(Finding{
					Kind: MissingClaim, Key: key, ID: id,
					Detail: fmt.Sprintf("the claim of %s is gone or has another owner", name),
				})
			}
		}
	}
	return nil
}
