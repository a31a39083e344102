package s3store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// call is one request, as far as the meaning of its failure needs it.
type call struct {
	ctx    context.Context //nolint:containedctx // lives as long as the call
	store  *Store
	op     string
	key    string
	cond   s3db.Condition
	writes bool
}

// fail translates an error of the SDK. The result is ErrNotFound, ErrPrecondition
// or a *s3db.StoreError, as s3db.Store promises.
func (c call) fail(err error) error {
	if ctxErr := c.ctx.Err(); ctxErr != nil {
		return &s3db.StoreError{Op: c.op, Key: c.key, MaybeApplied: c.writes && !neverSent(err), Err: ctxErr}
	}
	reply, replied := errors.AsType[*smithyhttp.ResponseError](err)
	if !replied || reply.Response == nil || reply.Response.Response == nil || reply.HTTPStatusCode() == 0 {
		return c.failTransport(err) // the SDK makes up an empty reply when there was no connection
	}
	status := reply.HTTPStatusCode()
	code, message := apiError(err, status)
	switch {
	case status < 300: // a reply that the SDK cannot read
		return &s3db.StoreError{Op: c.op, Key: c.key, Status: status, Temporary: cutShort(err), MaybeApplied: c.writes, Err: explain(unreadable(err), err)}
	case status == http.StatusPreconditionFailed && c.cond != (s3db.Condition{}):
		return s3db.ErrPrecondition
	case isMissing(status, code, c.op):
		if c.cond.ETag() != "" {
			return s3db.ErrPrecondition // nothing is there to match
		}
		return s3db.ErrNotFound
	}
	return &s3db.StoreError{
		Op: c.op, Key: c.key, Code: code, Status: status,
		Temporary:    isTemporary(status, code),
		MaybeApplied: c.writes && maybeApplied(status),
		Err:          explain(c.describe(reply.Response.Response, code, message), err),
	}
}

// failKey translates the error for one key of a bulk deletion; nil when the key
// was missing anyway.
func (c call) failKey(key, code, message string) error {
	if code == "NoSuchKey" {
		return nil
	}
	status := 0
	if code == "InternalError" || code == "SlowDown" || code == "ServiceUnavailable" {
		status = http.StatusInternalServerError // what the code means; not what the reply said
	}
	return &s3db.StoreError{
		Op: c.op, Key: key, Code: code, Temporary: isTemporary(status, code), MaybeApplied: maybeApplied(status),
		Err: errors.New(message),
	}
}

// failTransport translates an error without a reply.
func (c call) failTransport(err error) error {
	out := &s3db.StoreError{Op: c.op, Key: c.key, Temporary: true, MaybeApplied: c.writes, Err: explain(transportMessage(err), err)}
	switch {
	case isConfiguration(err):
		out.Temporary, out.MaybeApplied = false, false
	case neverSent(err):
		out.MaybeApplied = false
	}
	return out
}

// isMissing reports whether a 404 is about the object. Only an answer that says so
// counts: a 404 of something that is no S3 server must not look like an empty
// database. The reply to a HEAD has no body that could say more.
func isMissing(status int, code, op string) bool {
	if status != http.StatusNotFound {
		return false
	}
	switch code {
	case "NoSuchKey", "NoSuchVersion", "NoSuchUpload":
		return true
	}
	return op == "head"
}

// isTemporary reports whether the same request may succeed later.
func isTemporary(status int, code string) bool {
	switch code {
	case "ConditionalRequestConflict", "OperationAborted", // races with another request on the key
		"ExistingObjectIsDirectory", // versitygw: races with a deletion beside it
		"SlowDown", "SlowDownRead", "SlowDownWrite", "TooManyRequests", "Throttling", "ThrottlingException", "RequestLimitExceeded", "BandwidthLimitExceeded",
		"RequestTimeout", "IncompleteBody", // 400: the request did not arrive whole
		"RequestTimeTooSkewed": // the SDK has learnt the server's clock by now
		return true
	case "NotImplemented":
		return false
	}
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusTooEarly, http.StatusTemporaryRedirect:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported, http.StatusInsufficientStorage:
		return false
	}
	return status >= 500
}

// maybeApplied reports whether a write that got this status may have happened.
func maybeApplied(status int) bool { return status >= 500 && status != http.StatusNotImplemented }

// describe says what went wrong, and what to do about it where that is known.
func (c call) describe(resp *http.Response, code, message string) string {
	if message == "" {
		message = http.StatusText(resp.StatusCode)
	}
	if id := resp.Header.Get("X-Amz-Request-Id"); id != "" {
		message += " (request " + id + ")"
	}
	if hint := c.hint(resp, code); hint != "" {
		message += ": " + hint
	}
	return message
}

func (c call) hint(resp *http.Response, code string) string {
	region := resp.Header.Get("X-Amz-Bucket-Region")
	switch code {
	case "NoSuchBucket":
		return fmt.Sprintf("there is no bucket %q there", *c.store.bucket)
	case "InvalidAccessKeyId", "XAdminUserNotFound": // the latter from versitygw, as a 404
		return "the server does not know the access key"
	case "SignatureDoesNotMatch":
		return "the secret key is wrong; in a URL it must be percent-encoded"
	case "ExpiredToken", "TokenRefreshRequired":
		return "the temporary credentials have expired"
	case "RequestTimeTooSkewed":
		return "the clocks of this machine and of the server differ"
	case "AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException", "TemporaryRedirect", "MovedPermanently":
		return c.regionHint(region)
	}
	switch resp.StatusCode {
	case http.StatusMovedPermanently:
		return c.regionHint(region)
	case http.StatusForbidden:
		return "the credentials may not do this"
	case http.StatusNotFound:
		return "the endpoint does not answer as S3 does"
	case http.StatusBadRequest:
		if region != "" && region != c.store.client.Options().Region {
			return c.regionHint(region)
		}
	}
	return ""
}

func (c call) regionHint(region string) string {
	if region == "" {
		return fmt.Sprintf("the bucket is not in region %q; name its region with ?region=… in the URL", c.store.client.Options().Region)
	}
	return fmt.Sprintf("the bucket is in region %q, not in %q; add ?region=%s to the URL", region, c.store.client.Options().Region, region)
}

// apiError returns code and message of an S3 error reply, and nothing for a reply
// that is none, for which the SDK makes them up from the status.
func apiError(err error, status int) (code, message string) {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() == "UnknownError" || api.ErrorMessage() == http.StatusText(status) {
		return "", ""
	}
	return api.ErrorCode(), api.ErrorMessage()
}

// unreadable says why a reply that began well makes no sense.
func unreadable(err error) string {
	if cutShort(err) {
		return "the reply was cut short: " + innermost(err).Error()
	}
	return "the reply cannot be read; is this an S3 server?"
}

// neverSent reports whether it is certain that the request did not leave.
func neverSent(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	if isTLS(err) {
		return true
	}
	// What fails before the transport is credentials, signing and serialization.
	_, sent := errors.AsType[*smithyhttp.RequestSendError](err)
	_, replied := errors.AsType[*smithyhttp.ResponseError](err)
	_, cancelled := errors.AsType[*smithy.CanceledError](err)
	return !sent && !replied && !cancelled && !cutShort(err)
}

// isConfiguration reports whether an error without a reply will stay until
// somebody changes a setting.
func isConfiguration(err error) bool {
	if isTLS(err) || isCredentials(err) {
		return true
	}
	return strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

func isTLS(err error) bool {
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	return verification || authority || host || record
}

// isCredentials reports whether no credentials were found, which the SDK says in
// words only.
func isCredentials(err error) bool {
	text := err.Error()
	return strings.Contains(text, "get identity") || strings.Contains(text, "get credentials") || strings.Contains(text, "retrieve credentials")
}

// cutShort reports whether a connection ended in the middle of a reply.
func cutShort(err error) bool {
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return true
	}
	_, op := errors.AsType[*net.OpError](err)
	return op || errors.Is(err, io.ErrUnexpectedEOF)
}

// transportMessage says in one line why there was no reply.
func transportMessage(err error) string {
	switch {
	case isCredentials(err):
		return "no usable AWS credentials: put them into the URL (s3://KEY:SECRET@bucket) or into the environment"
	case isTLS(err):
		return "the connection cannot be trusted: " + innermost(err).Error()
	case isConfiguration(err):
		return "the endpoint speaks plain HTTP: begin it with http://"
	}
	return innermost(err).Error()
}

// innermost returns the last error of a chain, the one that names the cause.
func innermost(err error) error {
	for {
		// *net.OpError says which connection, which the error inside does not.
		if _, ok := err.(*net.OpError); ok { //nolint:errorlint // looks at this link of the chain only
			return err
		}
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// explained is an error of the SDK under a text of ours: theirs repeats the
// operation and what *s3db.StoreError says already.
type explained struct {
	text  string
	cause error
}

func explain(text string, cause error) error { return &explained{text, cause} }

func (e *explained) Error() string { return e.text }

func (e *explained) Unwrap() error { return e.cause }
