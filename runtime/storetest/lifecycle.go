package storetest

import (
	"context"
	"errors"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// calls are all methods of a store that make a request.
func (s *suite) calls(ctx context.Context, store s3db.Store, key string) map[string]error {
	_, get := store.Get(ctx, key)
	_, head := store.Head(ctx, key)
	_, put := store.Put(ctx, key, []byte("late"), nil, always)
	_, putAbsent := store.Put(ctx, key+"-new", []byte("late"), nil, s3db.IfAbsent())
	_, list := store.List(ctx, s3db.ListRequest{Prefix: key})
	errs := map[string]error{
		"Get": get, "Head": head, "Put": put, "Put if absent": putAbsent, "List": list,
		"Delete": store.Delete(ctx, key, always), "DeleteMany": store.DeleteMany(ctx, []string{key}),
	}
	if store, ok := store.(s3db.ContentStore); ok {
		_, errs["ReadContent"] = store.ReadContent(ctx, key, 0, -1)
		_, errs["BeginUpload"] = store.BeginUpload(ctx, key)
		_, errs["PutPart"] = store.PutPart(ctx, key, "none", 1, []byte("late"))
		errs["CompleteUpload"] = store.CompleteUpload(ctx, key, "none", []string{`"x"`})
		errs["AbortUpload"] = store.AbortUpload(ctx, key, "none")
		_, errs["ListUploads"] = store.ListUploads(ctx, key)
	}
	return errs
}

func (s *suite) contextEnds() {
	key := s.key("a")
	s.mustPut(key, "x", nil)
	cancelled, cancel := context.WithCancel(s.ctx)
	cancel()
	expired, cancel := context.WithDeadline(s.ctx, time.Unix(0, 0))
	defer cancel()
	for what, c := range map[string]struct {
		ctx  context.Context
		want error
	}{"cancelled": {cancelled, context.Canceled}, "expired": {expired, context.DeadlineExceeded}} {
		for call, err := range s.calls(c.ctx, s.store, key) {
			s.want(call+" with a context that is "+what, err, c.want)
			if se, ok := errors.AsType[*s3db.StoreError](err); !ok {
				s.Errorf("%s with a context that is %s: error %v is no *s3db.StoreError", call, what, err)
			} else if se.Temporary || se.MaybeApplied {
				s.Errorf("%s with a context that is %s before the call: temporary or maybe applied (%+v)", call, what, *se)
			}
		}
	}
	if o := s.mustGet(key); string(o.Body) != "x" {
		s.Errorf("a call whose context had ended wrote %q", o.Body)
	}
	_, err := s.store.Head(s.ctx, key+"-new")
	s.want("Head of what a call whose context had ended would have written", err, s3db.ErrNotFound)
}

func (s *suite) closed() {
	key := s.key("a")
	s.mustPut(key, "x", nil)
	capabilities := s.store.Capabilities()
	for range 2 { // closing twice is no error
		if err := s.store.Close(); err != nil {
			s.Fatalf("Close: %v", err)
		}
	}
	for call, err := range s.calls(s.ctx, s.store, key) {
		s.wantPermanent(call+" after Close", err)
	}
	if got := s.store.Capabilities(); got != capabilities {
		s.Errorf("Capabilities after Close: %+v, before: %+v", got, capabilities)
	}
}
