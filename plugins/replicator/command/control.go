package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/config"
)

func (c *commands) newTest() *cobra.Command {
	return &cobra.Command{
		Use:   "test",
		Short: "Connect to each target, and change nothing",
		Long: `Test reads the configuration, opens the database and asks each target whether it
would take changes. Exit code 1 means that one would not; all are told.`,
		Example: `  s3dbgen replicate test
  s3dbgen replicate test -c staging.yaml`,
		Args: c.args(),
		RunE: func(command *cobra.Command, _ []string) error {
			w := command.OutOrStdout()
			return c.with(command.Context(), func(conf *config.Config, _ *replicator.Replicator) error {
				failed := false
				for i, t := range conf.Options.Targets {
					if err := t.Target.Test(command.Context()); err != nil {
						failed = true
						tell(w, "%s (%s): %v", t.Name, conf.Drivers[i], err)
						continue
					}
					tell(w, "%s (%s): ok", t.Name, conf.Drivers[i])
				}
				if failed {
					return ErrFound
				}
				return nil
			})
		},
	}
}

func (c *commands) format(command *cobra.Command, format *string) {
	command.Flags().StringVar(format, "format", "text", "text or json")
}

func (c *commands) checkFormat(format string) error {
	if format != "text" && format != "json" {
		return c.usage("--format %q: must be text or json", format)
	}
	return nil
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func (c *commands) newStatus() *cobra.Command {
	var format string
	command := &cobra.Command{
		Use:   "status [--format text|json]",
		Short: "Show how far each target is",
		Long: `Status tells how many changes each target is behind and for how long, how far its
snapshot is, and how many changes of the database are not in the log yet ("unsettled").`,
		Example: `  s3dbgen replicate status
  s3dbgen replicate status --format json`,
		Args: c.args(),
		RunE: func(command *cobra.Command, _ []string) error {
			if err := c.checkFormat(format); err != nil {
				return err
			}
			return c.with(command.Context(), func(_ *config.Config, r *replicator.Replicator) error {
				list, err := r.Status(command.Context())
				if err != nil {
					return err
				}
				if format == "json" {
					return writeStatus(command.OutOrStdout(), list)
				}
				for i := range list {
					s := &list[i]
					state := "up to date"
					switch {
					case s.Paused:
						state = "paused"
					case !s.SnapshotDone:
						state = fmt.Sprintf("snapshot, %d documents so far", s.Documents)
					case s.LagChanges > 0:
						state = fmt.Sprintf("%d changes behind, the oldest of %s ago", s.LagChanges, s.Lag.Round(time.Second))
					}
					tell(command.OutOrStdout(), "%s: %s; %d unsettled", s.Target, state, s.Unsettled)
				}
				return nil
			})
		},
	}
	c.format(command, &format)
	return command
}

// writeStatus leaves out what only the process that replicates knows.
func writeStatus(w io.Writer, list []replicator.Status) error {
	type status struct {
		Target       string  `json:"target"`
		Paused       bool    `json:"paused"`
		SnapshotDone bool    `json:"snapshotDone"`
		Documents    int64   `json:"snapshotDocuments"`
		LagChanges   uint64  `json:"lagChanges"`
		LagSeconds   float64 `json:"lagSeconds"`
		Unsettled    int     `json:"unsettled"`
	}
	out := []status{}
	for i := range list {
		s := &list[i]
		out = append(out, status{s.Target, s.Paused, s.SnapshotDone, s.Documents, s.LagChanges, s.Lag.Seconds(), s.Unsettled})
	}
	return writeJSON(w, out)
}

// onTarget is a command about one target. The path is that below replicate.
func (c *commands) onTarget(path, short, long string, do func(command *cobra.Command, r *replicator.Replicator, target string) error) *cobra.Command {
	return &cobra.Command{
		Use: path[strings.LastIndex(path, " ")+1:] + " REPLICATOR", Short: short, Long: long,
		Example: "  s3dbgen replicate " + path + " warehouse",
		Args:    c.args("REPLICATOR"),
		RunE: func(command *cobra.Command, args []string) error {
			return c.with(command.Context(), func(_ *config.Config, r *replicator.Replicator) error { return do(command, r, args[0]) })
		},
	}
}

func (c *commands) newPause() *cobra.Command {
	return c.onTarget("pause", "Stop applying to a target, in all processes",
		`Pause keeps every process from applying to a target until resume. The log is kept for
it meanwhile.`,
		func(command *cobra.Command, r *replicator.Replicator, target string) error {
			return r.Pause(command.Context(), target)
		})
}

func (c *commands) newResume() *cobra.Command {
	return c.onTarget("resume", "Go on with a target", "Resume ends pause.",
		func(command *cobra.Command, r *replicator.Replicator, target string) error {
			return r.Resume(command.Context(), target)
		})
}

func (c *commands) newReset() *cobra.Command {
	return c.onTarget("reset", "Begin a target anew with a snapshot",
		`Reset sends all documents again, and forgets dead letters. What the target has stays:
documents that were deleted meanwhile are found by reconcile.`,
		func(command *cobra.Command, r *replicator.Replicator, target string) error {
			return r.Reset(command.Context(), target)
		})
}

func (c *commands) newForget() *cobra.Command {
	return c.onTarget("forget", "Forget a target that no configuration names any more",
		`Forget removes what the database keeps about a target: until then its position keeps
the log from being cleared. A target that the configuration names cannot be forgotten.`,
		func(command *cobra.Command, r *replicator.Replicator, target string) error {
			return r.Forget(command.Context(), target)
		})
}

func (c *commands) newReconcile() *cobra.Command {
	var o replicator.ReconcileOptions
	command := c.onTarget("reconcile", "Compare a target with the documents of the database",
		`Reconcile lists both sides and prints the documents of which the target has another
state: missing, stale or extra. It finds writes by programs without the replicator, and
what somebody has changed in the target. --repair sends their states again, through the
log. Let the target catch up first. Exit code 1 means that something was different.`,
		func(command *cobra.Command, r *replicator.Replicator, target string) error {
			w := command.OutOrStdout()
			o.Found = func(d replicator.Difference) { tell(w, "%s: %s/%s", d.Kind, d.Resource, d.ID) }
			report, err := r.Reconcile(command.Context(), target, o)
			if err != nil {
				return err
			}
			tell(w, "%d documents; %d missing, %d stale, %d extra, %d sent again", report.Documents, report.Missing, report.Stale, report.Extra, report.Repaired)
			if !report.Clean() {
				return ErrFound
			}
			return nil
		})
	command.Example += "\n  s3dbgen replicate reconcile warehouse --repair --resource users"
	command.Flags().BoolVar(&o.Repair, "repair", false, "send the states of these documents again")
	command.Flags().StringSliceVar(&o.Resources, "resource", nil, "only these resources")
	return command
}

func (c *commands) newLetters() *cobra.Command {
	command := &cobra.Command{
		Use:   "dlq",
		Short: "List, replay and discard dead letters",
		Long: `Dlq shows the changes that a target has rejected (its dead letters), asks for them to
be applied again, or removes them.`,
		Example: `  s3dbgen replicate dlq list warehouse
  s3dbgen replicate dlq replay warehouse --resource users --id ada`,
		Args: func(*cobra.Command, []string) error {
			return c.usage("dlq needs a command: list, replay or discard")
		},
		RunE: func(*cobra.Command, []string) error { return nil },
	}
	command.AddCommand(c.newLettersList(), c.newReplay(), c.newDiscard())
	return command
}

func (c *commands) newLettersList() *cobra.Command {
	var format string
	command := c.onTarget("dlq list", "Print the changes that a target has rejected",
		`List prints each change that was put aside, and why; "held" are those that only follow
a rejected one of their document. JSON has the documents too.`,
		func(command *cobra.Command, r *replicator.Replicator, target string) error {
			if err := c.checkFormat(format); err != nil {
				return err
			}
			if err := known(r, target, command); err != nil {
				return err
			}
			w := command.OutOrStdout()
			for d, err := range r.DeadLetters(command.Context(), target) {
				if err != nil {
					return err
				}
				if format == "json" {
					text, err := json.Marshal(d)
					if err != nil {
						return err
					}
					tell(w, "%s", text)
					continue
				}
				kind := "rejected"
				if d.Held {
					kind = "held"
				}
				tell(w, "%s %s %s/%s %s %s: %s", d.Time.UTC().Format(time.RFC3339), d.Change.Action, d.Change.Resource, d.Change.ID, d.Change.Seq, kind, d.Reason)
			}
			return nil
		})
	c.format(command, &format)
	return command
}

// known wants a target that the configuration has.
func known(r *replicator.Replicator, target string, command *cobra.Command) error {
	list, err := r.Status(command.Context())
	if err != nil {
		return err
	}
	for i := range list {
		if list[i].Target == target {
			return nil
		}
	}
	return fmt.Errorf("the configuration has no replicator %q", target)
}

// what declares the flags that name documents.
func what(command *cobra.Command) *replicator.Document {
	d := &replicator.Document{}
	command.Flags().StringVar(&d.Resource, "resource", "", "only letters of this resource")
	command.Flags().StringVar(&d.ID, "id", "", "only letters of the document with this id")
	return d
}

var errWithoutResource = errors.New("--id needs --resource")

func (c *commands) checkDocument(d *replicator.Document) error {
	if d.ID != "" && d.Resource == "" {
		return c.usage("%w", errWithoutResource)
	}
	return nil
}

func (c *commands) newReplay() *cobra.Command {
	var d *replicator.Document
	command := c.onTarget("dlq replay", "Send dead letters again",
		`Replay asks for dead letters to be applied again: those of a document in their order, up
to the first that the target rejects again. The process that replicates does it, or
replicate --once.`,
		func(command *cobra.Command, r *replicator.Replicator, target string) error {
			if err := c.checkDocument(d); err != nil {
				return err
			}
			return r.Replay(command.Context(), target, *d)
		})
	d = what(command)
	return command
}

func (c *commands) newDiscard() *cobra.Command {
	var d *replicator.Document
	command := c.onTarget("dlq discard", "Remove dead letters for good",
		`Discard removes dead letters. Later changes of these documents are applied again;
what the letters hold is lost to the target, until reconcile --repair.`,
		func(command *cobra.Command, r *replicator.Replicator, target string) error {
			if err := c.checkDocument(d); err != nil {
				return err
			}
			n, err := r.DiscardLetters(command.Context(), target, *d)
			tell(command.OutOrStdout(), "%d discarded", n)
			return err
		})
	d = what(command)
	return command
}
