package webhook_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/s3dbgen/s3dbgen/plugins/replicator/webhook"
)

// A receiver verifies the bytes of the body before it parses them, and answers 2xx when
// it has kept the changes.
func ExampleVerify() {
	http.HandleFunc("POST /changes", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<20))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := webhook.Verify(r.Header, body, time.Now(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		var event webhook.Event
		if err := json.Unmarshal(body, &event); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		for _, c := range event.Data.Changes {
			// Keep it unless a change of c.ID with a larger c.Seq is there already.
			fmt.Println(c.Resource, c.Action, c.ID, c.Seq)
		}
	})
}
