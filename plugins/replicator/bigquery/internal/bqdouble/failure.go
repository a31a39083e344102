package bqdouble

import (
	"fmt"
	"net/http"
)

// failure is an error as the API tells it:
// https://cloud.google.com/bigquery/docs/error-messages.
type failure struct {
	Status          int // of HTTP
	Reason, Message string
	RetryAfter      string // header
}

func (f *failure) Error() string { return f.Reason + ": " + f.Message }

func invalid(format string, args ...any) *failure {
	return &failure{Status: http.StatusBadRequest, Reason: "invalid", Message: fmt.Sprintf(format, args...)}
}

func invalidQuery(format string, args ...any) *failure {
	return &failure{Status: http.StatusBadRequest, Reason: "invalidQuery", Message: fmt.Sprintf(format, args...)}
}

func notFound(what, format string, args ...any) *failure {
	return &failure{Status: http.StatusNotFound, Reason: "notFound", Message: "Not found: " + what + " " + fmt.Sprintf(format, args...)}
}

func duplicate(what, format string, args ...any) *failure {
	return &failure{Status: http.StatusConflict, Reason: "duplicate", Message: "Already Exists: " + what + " " + fmt.Sprintf(format, args...)}
}

// unknown is what this double does not do, although BigQuery does.
func unknown(format string, args ...any) *failure {
	return &failure{Status: http.StatusNotImplemented, Reason: "notImplemented", Message: "the double does not know " + fmt.Sprintf(format, args...)}
}

// body is the JSON of a reply.
func (f *failure) body() any {
	status := map[int]string{400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "ALREADY_EXISTS", 412: "FAILED_PRECONDITION", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}[f.Status]
	type item struct {
		Message string `json:"message"`
		Domain  string `json:"domain"`
		Reason  string `json:"reason"`
	}
	return map[string]any{"error": map[string]any{
		"code": f.Status, "message": f.Message, "status": status, "errors": []item{{f.Message, "global", f.Reason}},
	}}
}

// proto is the ErrorProto of a job.
func (f *failure) proto() map[string]any {
	return map[string]any{"reason": f.Reason, "message": f.Message}
}
