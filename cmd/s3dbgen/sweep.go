package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
)

func newSweep() *cobra.Command {
	s := &sweeping{}
	command := &cobra.Command{
		Use:                   "sweep URL [RESOURCE]... [--grace DURATION] [--dry-run] [--format text|json]",
		DisableFlagsInUseLine: true,
		Short:                 "Delete the documents that have expired",
		Long: `Sweep deletes the documents whose time to live is over, with their partition
entries, unique claims, contents and kept states, in all resources with a ttl or in
those that are named. Programs may use the database meanwhile, and any number of
sweeps may run at once; one that was ended at any point is gone on with by the next.
For every program these documents are absent already: run it, once a day perhaps, to
free what they take.

Where nothing has expired, it costs one request a resource. --dry-run reads the
documents that are due, counts them, and deletes nothing. --grace leaves what has not
been expired for so long, for clocks may differ.

Hooks and subscribers of a program do not see what is deleted here. A program that
needs them calls Sweep itself. Only a resource with unique secrets needs the key:

` + keysHelp + `

Exit code 1 means that some documents could not be deleted.`,
		Example: `  s3dbgen sweep s3://bucket/shop
  s3dbgen sweep file://./shop.db sessions --grace 1m --dry-run`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("sweep takes a database URL and names of resources, got 0 arguments")}
			}
			return nil
		},
		RunE: func(command *cobra.Command, args []string) error {
			if err := oneOf("format", s.format, "text", "json"); err != nil {
				return err
			}
			if s.options.Grace < 0 {
				return usageError{fmt.Errorf("--grace %s: must not be negative", s.options.Grace)}
			}
			return s.run(command.Context(), args[0], args[1:], command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	command.Flags().BoolVar(&s.options.DryRun, "dry-run", false, "count what would be deleted, write nothing")
	command.Flags().DurationVar(&s.options.Grace, "grace", 0, "leave documents that have not been expired for so long, such as 1m")
	choiceFlag(command, &s.format, "format", "text", "json")
	s.keys.register(command)
	return command
}

// sweeping deletes documents that have expired.
type sweeping struct {
	databaseFlags
	options s3db.SweepOptions
	format  string
}

// sweepReport is what the command tells.
type sweepReport struct {
	DryRun    bool               `json:"dryRun"`
	Resources []s3db.SweepReport `json:"resources"`
	Failures  []documentFailure  `json:"failures,omitempty"`
	Requests  int64              `json:"requests"` // of the sweep, without those of opening
	Dollars   s3db.NanoDollars   `json:"dollars"`  // their price in S3 Standard
}

func (s *sweeping) run(ctx context.Context, url string, names []string, stdout, stderr io.Writer) (err error) {
	var requests s3db.RequestCounter
	db, err := s.open(ctx, url, s3db.WithRequestObserver(requests.Observe))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	chosen, err := expiring(db, names)
	if err != nil {
		return err
	}
	opened := requests.Counts()
	report := &sweepReport{DryRun: s.options.DryRun, Resources: []s3db.SweepReport{}}
	p := newProgress(stderr, isTerminal(stderr), &requests, "swept", 0)
	err = s.each(ctx, chosen, report, p)
	p.end()
	spent := requests.Counts().Sub(opened)
	report.Requests, report.Dollars = spent.Total(), s3db.ClassStandard.Prices().Of(spent)
	return outcome(err, s.print(stdout, report))
}

// expiring returns the resources with these names, or all whose documents expire. A
// resource that is named and whose documents do not is an error.
func expiring(db *dynamic.Database, names []string) ([]*dynamic.Resource, error) {
	var chosen []*dynamic.Resource
	for _, name := range names {
		r, err := db.Resource(name)
		if err != nil {
			return nil, err
		}
		if r.Expires() == "" {
			return nil, fmt.Errorf("documents of %q do not expire: it has no ttl", name)
		}
		chosen = append(chosen, r)
	}
	if len(names) > 0 {
		return chosen, nil
	}
	for _, r := range db.Describe().Resources {
		one, err := db.Resource(r.Name)
		if err != nil {
			return nil, err
		}
		if one.Expires() != "" {
			chosen = append(chosen, one)
		}
	}
	return chosen, nil
}

// each sweeps one resource after the other.
func (s *sweeping) each(ctx context.Context, chosen []*dynamic.Resource, report *sweepReport, p *progress) error {
	before := 0
	for _, r := range chosen {
		o := s.options
		o.Progress = func(x s3db.SweepReport) { p.to(before + x.Due) }
		one, err := r.Sweep(ctx, o)
		report.Resources = append(report.Resources, *one)
		before += one.Due
		bulk, ok := errors.AsType[*s3db.BulkError](err)
		if ok {
			for _, x := range bulk.Failed {
				report.Failures = append(report.Failures, documentFailure{r.Name(), x.ID, x.Err.Error()})
			}
		}
		if err != nil && (!ok || len(bulk.Failed) != one.Failed || stops(err)) {
			return err
		}
	}
	return nil
}

func (s *sweeping) print(w io.Writer, report *sweepReport) error {
	var err error
	if s.format == "json" {
		err = indented(w).Encode(report)
	} else {
		err = report.print(w)
	}
	if err == nil && len(report.Failures) > 0 {
		err = errTold
	}
	return err
}

func (r *sweepReport) print(w io.Writer) error {
	p := &lines{w: w}
	for _, f := range r.Failures {
		p.line("%s", plain(f.Detail))
	}
	deleted := "deleted"
	if r.DryRun {
		deleted = "to delete"
	}
	for _, x := range r.Resources {
		p.line("%s: %s due, %d %s, %d changed, %d gone already, %d failed", x.Resource, count(x.Due, "document"), x.Deleted, deleted, x.Kept, x.Gone, x.Failed)
	}
	if len(r.Resources) == 0 {
		p.line("no resource has a ttl")
		return p.err
	}
	p.line("%s, %s", count(int(r.Requests), "request"), r.Dollars)
	return p.err
}
