package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/s3dbgen/s3dbgen/plugins/audit"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
)

func newAudit() *cobra.Command {
	command := &cobra.Command{
		Use:                   "audit",
		DisableFlagsInUseLine: true,
		Short:                 "Read and verify the audit log of a database",
		Long: `Audit reads the log that the audit plugin keeps of who did what to which document,
and shows that nobody has altered it.`,
		Example: `  s3dbgen audit list s3://bucket/shop --user ada
  s3dbgen audit verify s3://bucket/shop --audit-key-file audit.key`,
		Annotations: holdsOthers(),
		Args: func(command *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(command, args[0])
			}
			return usageError{errors.New("audit needs a command: list or verify")}
		},
		RunE: func(*cobra.Command, []string) error { return nil },
	}
	command.AddCommand(newAuditList(), newAuditVerify())
	return command
}

// auditFlags say how a command opens the log.
type auditFlags struct{ key []byte }

func (f *auditFlags) register(command *cobra.Command) {
	command.Flags().Func("audit-key-file", "file with the key of the log: 32 bytes as they are, in hexadecimal or in base64", func(path string) error {
		key, err := readKey(path)
		if err != nil {
			return err
		}
		f.key = key
		return nil
	})
}

// with opens the log of a database for the time of a function.
func (f *auditFlags) with(ctx context.Context, url string, do func(*dynamic.Database, *audit.Log) error) (err error) {
	db, err := dynamic.Open(ctx, url, dynamic.Config{Drivers: drivers()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	log, err := audit.OpenLog(db.Database, audit.LogOptions{Key: f.key})
	if err != nil {
		return err
	}
	return do(db, log)
}

func newAuditList() *cobra.Command {
	var flags auditFlags
	var q audit.Query
	var from, until, format string
	command := &cobra.Command{
		Use:                   "list URL [--resource NAME] [--operation NAME] [--user NAME] [--id ID] [--from TIME] [--until TIME] [--newest] [--limit N] [--format text|json]",
		DisableFlagsInUseLine: true,
		Short:                 "Print entries of the audit log",
		Long: `List prints who did what to which document, from the oldest to the newest. Of a
write of which its program did not say what became of it, the document is asked.

JSON is one entry a line, with the documents if the log has them; secrets and
passwords are "[redacted]" in it.`,
		Example: `  s3dbgen audit list s3://bucket/shop --user ada --from 2026-11-01T00:00:00Z
  s3dbgen audit list file://./shop.db --resource users --id u1 --newest --format json`,
		Args: exactly("URL"),
		RunE: func(command *cobra.Command, args []string) (err error) {
			if err := oneOf("format", format, "text", "json"); err != nil {
				return err
			}
			if q.From, err = flagTime("from", from); err != nil {
				return err
			}
			if q.Until, err = flagTime("until", until); err != nil {
				return err
			}
			return flags.with(command.Context(), args[0], func(db *dynamic.Database, log *audit.Log) error {
				q.Includes = func(ctx context.Context, resource, id string, rev s3db.Revision) (bool, error) {
					r, err := db.Resource(resource)
					if errors.Is(err, s3db.ErrNotFound) {
						return false, nil
					}
					if err != nil {
						return false, err
					}
					s, err := r.Stored().Get(ctx, id)
					return s.Includes(rev), err
				}
				return auditList(command.Context(), log, q, format, command.OutOrStdout())
			})
		},
	}
	flags.register(command)
	set := command.Flags()
	set.StringVar(&q.Resource, "resource", "", "only entries of this resource")
	set.StringVar(&q.Operation, "operation", "", "only this operation: insert, update, delete or get")
	set.StringVar(&q.User, "user", "", "only entries of this user")
	set.StringVar(&q.ID, "id", "", "only entries of the document with this id")
	set.StringVar(&from, "from", "", "only entries from this time on, as 2026-11-24T12:00:00Z")
	set.StringVar(&until, "until", "", "only entries before this time")
	set.BoolVar(&q.NewestFirst, "newest", false, "from the newest to the oldest")
	set.IntVar(&q.Limit, "limit", 0, "at most so many entries; 0: all")
	choiceFlag(command, &format, "format", "text", "json")
	return command
}

// flagTime reads the time that a flag gives; "" is none.
func flagTime(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, usageError{fmt.Errorf("--%s %q: must be a time such as 2026-11-24T12:00:00Z", flag, text)}
	}
	return t, nil
}

func auditList(ctx context.Context, log *audit.Log, q audit.Query, format string, w io.Writer) error {
	p := &lines{w: w}
	for e, err := range log.Entries(ctx, q) {
		if err != nil {
			return err
		}
		if format == "text" {
			user := e.User
			if user == "" {
				user = "-"
			}
			p.line("%s %s %s %s/%s %s", e.Time.Format(time.RFC3339), user, e.Operation, e.Resource, e.ID, e.State)
			continue
		}
		text, err := json.Marshal(struct {
			*audit.Entry
			State audit.State `json:"state"`
		}{e, e.State})
		if err != nil {
			return err
		}
		p.line("%s", text)
	}
	return p.err
}

func newAuditVerify() *cobra.Command {
	var flags auditFlags
	var anchorFile, format string
	command := &cobra.Command{
		Use:                   "verify URL [--audit-key-file FILE] [--anchors FILE] [--format text|json]",
		DisableFlagsInUseLine: true,
		Short:                 "Check that no entry of the audit log was removed or altered",
		Long: `Verify reads the whole audit log and checks the chain of each program that wrote it.

--anchors FILE is the JSON report of an earlier run: a log that was made anew since
then, as a whole or from its end on, does not have the entries that it names.

Exit code 1 means that something was removed or altered.`,
		Example: `  s3dbgen audit verify s3://bucket/shop --audit-key-file audit.key
  s3dbgen audit verify file://./shop.db --format json > today.json
  s3dbgen audit verify file://./shop.db --anchors today.json`,
		Args: exactly("URL"),
		RunE: func(command *cobra.Command, args []string) error {
			if err := oneOf("format", format, "text", "json"); err != nil {
				return err
			}
			var earlier audit.Report
			if anchorFile != "" {
				data, err := readFile(anchorFile)
				if err != nil {
					return err
				}
				if err := json.Unmarshal(data, &earlier); err != nil {
					return fmt.Errorf("%s: not a report of audit verify --format json: %w", anchorFile, err)
				}
			}
			return flags.with(command.Context(), args[0], func(_ *dynamic.Database, log *audit.Log) error {
				report, err := log.Verify(command.Context(), earlier.Anchors...)
				if err != nil {
					return err
				}
				if format == "json" {
					err = indented(command.OutOrStdout()).Encode(report)
				} else {
					err = printAudit(command.OutOrStdout(), report)
				}
				if err == nil && len(report.Problems) > 0 {
					err = errTold
				}
				return err
			})
		},
	}
	flags.register(command)
	command.Flags().StringVar(&anchorFile, "anchors", "", "JSON report of an earlier run")
	choiceFlag(command, &format, "format", "text", "json")
	return command
}

func printAudit(w io.Writer, r *audit.Report) error {
	p := &lines{w: w}
	for _, x := range r.Problems {
		where := x.Key
		if where == "" {
			where = fmt.Sprintf("entry %d of session %s", x.Number, x.Session)
		}
		p.line("%s: %s: %s", x.Kind, where, x.Detail)
	}
	p.line("%s in %s, %d refused, %d unknown, %d unsettled, %d expired; %s", count(r.Entries, "entry", "entries"), count(r.Sessions, "session"),
		r.Refused, r.Unknown, r.Unsettled, r.Expired, count(len(r.Problems), "problem"))
	return p.err
}
