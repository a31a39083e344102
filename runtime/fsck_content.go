package s3db

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// contentGrace is the age below which a content in parts, and an upload that is
// under way, may be work in progress. On AWS an object in parts counts as changed
// when its upload began, and that may have been maxUpload before its commit.
const contentGrace = 24 * time.Hour

// checkContents finds contents that no document names, uploads that nobody goes on
// with, and documents whose content is not there as they describe it.
func (f *fsck) checkContents(ctx context.Context) error {
	seen := map[string]int64{} // size, by id and token
	err := f.checkNamed(ctx, contentPrefix(f.db.prefix, f.resource), namedObjects{
		kind: LeftContent,
		what: "a content",
		note: func(item ListItem, id, token string) {
			f.report.Contents++
			seen[token+"/"+id] = item.Size
		},
		names: func(o owner, _ ListItem, token string) bool { return names(o.content, token) },
		old: func(item ListItem, now time.Time) bool {
			if item.Size > partSize {
				return f.veryOld(item, now)
			}
			return f.old(item, now)
		},
	})
	if err != nil {
		return err
	}
	if err := f.missingContents(ctx, seen); err != nil {
		return err
	}
	return f.checkUploads(ctx)
}

func names(c *contentRef, token string) bool { return c != nil && c.token == token }

// veryOld is old for what is written in parts.
func (f *fsck) veryOld(item ListItem, now time.Time) bool {
	return f.options.Exclusive || (!now.IsZero() && now.Sub(item.LastModified) >= max(f.options.Grace, contentGrace))
}

func (f *fsck) missingContents(ctx context.Context, seen map[string]int64) error {
	for id, o := range f.owners {
		if o.content == nil {
			continue
		}
		size, there := seen[o.content.token+"/"+id]
		if there && size == o.content.Size {
			continue
		}
		key := dataKey(f.db.prefix, f.resource, id)
		s, err := f.db.readState(ctx, key)
		if err != nil {
			return err
		}
		if !s.live() || !names(s.record.content, o.content.token) {
			continue
		}
		detail := "the content is not there; delete it or set it again"
		if there {
			detail = fmt.Sprintf("the content has %d bytes, the document says %d; delete it or set it again", size, o.content.Size)
		}
		f.find(Finding{Kind: MissingContent, Key: key, ID: id, Detail: detail})
	}
	return nil
}

// checkUploads finds uploads that nobody goes on with. Their parts cost as long as
// they stay, and no listing of keys shows them.
func (f *fsck) checkUploads(ctx context.Context) error {
	store, ok := f.db.requests.store.(ContentStore)
	if !ok {
		return nil
	}
	prefix := contentPrefix(f.db.prefix, f.resource)
	for {
		var page *UploadPage
		err := f.db.requests.repeat(ctx, RequestList, prefix, func(ctx context.Context) (e error) {
			page, e = store.ListUploads(ctx, prefix)
			return e
		})
		if se, ok := errors.AsType[*StoreError](err); ok && se.Status == 501 {
			return nil // a server without uploads has none that are left
		}
		if err != nil {
			return err
		}
		ended := 0
		for _, u := range page.Items {
			if !strings.HasPrefix(u.Key, prefix) {
				continue // the server listed more than was asked for
			}
			if !f.veryOld(ListItem{LastModified: u.Started}, page.ServerTime) {
				f.recent()
				continue
			}
			if f.options.Repair {
				if err := f.db.requests.abortUpload(ctx, store, u.Key, u.Upload); err != nil {
					return err
				}
				ended++
			}
			id, _, _ := parseEntryKey(u.Key)
			f.find(Finding{Kind: AbandonedUpload, Key: u.Key, ID: id, Repaired: f.options.Repair})
		}
		if !page.More || ended == 0 {
			return nil // a further page shows when these are gone
		}
	}
}
