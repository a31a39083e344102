package s3db

import (
	"context"
	"fmt"
	"mime"
	"time"
)

// URLOptions say what a URL of a content gives, and for how long.
type URLOptions struct {
	// Expires is the time for which the URL works, a whole number of seconds up to
	// 7 days; it ends earlier with temporary credentials. 0 means 15 minutes.
	Expires time.Duration
	// Filename, when it is not empty, makes browsers save the content under this
	// name instead of showing it.
	Filename string
}

const (
	defaultExpiry = 15 * time.Minute
	longestExpiry = 7 * 24 * time.Hour // of a signature of version 4
)

// ContentURL returns a URL with which anybody reads the content that the document
// has now, without credentials and without this program in between. It answers 404
// when the document gets another content, or none, before it expires.
//
// Errors: ErrNotFound, ErrNoContent; ErrRange for a time that a URL cannot last;
// ErrUnsupported when no server keeps the database. It costs 1 request.
func (c *Collection[T, ID, I, P]) ContentURL(ctx context.Context, id ID, o URLOptions) (string, error) {
	if c.engine.plain() {
		return c.engine.contentURL(ctx, string(id), o)
	}
	call := &ContentURLCall[ID]{Args: ContentURLArgs[ID]{ID: id, Options: o}}
	return run(ctx, c.engine, MethodContentURL, call, nil, func(ctx context.Context) (any, error) {
		return c.engine.contentURL(ctx, string(call.Args.ID), call.Args.Options)
	})
}

func (c *engine) contentURL(ctx context.Context, id string, o URLOptions) (string, error) {
	url, err := c.signContent(ctx, id, o)
	if err != nil {
		return "", c.fail("contentURL", id, err)
	}
	return url, nil
}

func (c *engine) signContent(ctx context.Context, id string, o URLOptions) (string, error) {
	signer, ok := c.db.requests.store.(ContentSigner)
	if !ok {
		return "", fmt.Errorf("%w: only a server has URLs; this database is in memory or in a file", ErrUnsupported)
	}
	if o.Expires == 0 {
		o.Expires = defaultExpiry
	}
	if o.Expires < time.Second || o.Expires > longestExpiry || o.Expires%time.Second != 0 {
		return "", fmt.Errorf("%w: a URL lasts whole seconds, 1 to %d, not %v", ErrRange, longestExpiry/time.Second, o.Expires)
	}
	disposition := ""
	if o.Filename != "" {
		disposition = mime.FormatMediaType("attachment", map[string]string{"filename": o.Filename})
	}
	ref, err := c.contentRef(ctx, id)
	if err != nil {
		return "", err
	}
	key := contentKey(c.db.prefix, c.model.Resource, id, ref.token)
	return signer.SignGet(ctx, key, SignedGet{Expires: o.Expires, Type: ref.Type, Disposition: disposition})
}
