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
	var left []string
	err := f.pages(ctx, contentPrefix(f.db.prefix, f.resource), func(page *ListPage) error {
		for _, item := range page.Items {
			id, token, ok := parseEntryKey(item.Key)
			if !ok {
				f.find(Finding{Kind: CorruptObject, Key: item.Key, Detail: "the key is not that of a content"})
				continue
			}
			f.report.Contents++
			seen[token+"/"+id] = item.Size
			if names(f.owners[id].content, token) {
				continue
			}
			wrong, err := f.leftContent(ctx, item, page.ServerTime, id, token)
			if err != nil {
				return err
			}
			if wrong {
				left = append(left, item.Key)
				f.find(Finding{Kind: LeftContent, Key: item.Key, ID: id, Repaired: f.options.Repair})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if f.options.Repair {
		if err := f.db.requests.remove(ctx, left); err != nil {
			return err
		}
	}
	if err := f.missingContents(ctx, seen); err != nil {
		return err
	}
	return f.checkUploads(ctx)
}

func names(c *contentRef, token string) bool { return c != nil && c.token == token }

// leftContent reports whether a content that was not named by the document when it
// was read is not named now either, and too old to belong to a write in progress.
func (f *fsck) leftContent(ctx context.Context, item ListItem, now time.Time, id, token string) (bool, error) {
	old := f.old
	if item.Size > partSize {
		old = f.veryOld
	}
	if !old(item, now) {
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
	return !s.live() || !names(s.record.content, token), nil
}

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
