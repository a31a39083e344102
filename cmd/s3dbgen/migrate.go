package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
)

func newMigrate() *cobra.Command {
	foreign := &copying{}
	m := &migration{}
	command := &cobra.Command{
		Use: "migrate URL [--resource NAME]... [--dry-run] [--exclusive] [--drop-removed] [--format text|json]\n" +
			"  s3dbgen migrate --from-s3dbjs URL --to URL [-f schema.yaml] [--dry-run] [--format text|json]",
		DisableFlagsInUseLine: true,
		Short:                 "Bring documents to the newest version, or copy a database of s3db.js",
		Long: `Migrate URL brings every document of a database to the newest version of its
resource, with its partition entries and unique claims, as Migrate of the generated
client does; programs of that version may go on meanwhile. Writers of older
versions are shut out first. A migration that was ended at any point is gone on
with by the next one. It is complete when it began an hour after older programs
were shut out; --exclusive promises that none is running.

Where documents need a function of their program, it names the resources and
changes nothing: run the program's Migrate, or name the others with --resource.
Rules of the schema are not part of the database and are not checked. --dry-run
reads all documents, says which ones would fail, and writes nothing.

With --from-s3dbjs it copies every document of a database that s3db.js, the Node
library, has written into a database of s3dbgen, with content and timestamps, and
builds the indexes anew. The old database is only read. The report names
everything that could not be copied, with the reason.

The schema is the one of -f, with its lock file, or else the one that
import-schema makes. Running it again copies what is missing and changes
nothing else. --dry-run reads and checks everything and writes nothing.

Secrets of the old database are decrypted with the passphrase of its program:
on the first line of the file of --from-passphrase-file, or in the environment
variable ` + foreignPassphraseEnv + `; --from-default-passphrase is for programs that
gave none. Those of the database that is written have other keys:

` + keysHelp + `

Exit code 1 means that something was not migrated or not copied.`,
		Example: `  s3dbgen migrate s3://bucket/shop --dry-run
  s3dbgen migrate file://./shop.db --exclusive
  s3dbgen migrate --from-s3dbjs s3://bucket/old --to s3://bucket/new --dry-run
  s3dbgen migrate --from-s3dbjs s3://bucket/old --to file://./shop.db`,
		RunE: func(command *cobra.Command, args []string) error {
			foreign.dryRun, foreign.format, foreign.keys = m.options.DryRun, m.format, &m.keys
			flags := command.Flags()
			var misplaced []string
			unfit := []string{"resource", "exclusive", "drop-removed"}
			if foreign.from == "" {
				unfit = []string{"to", "file", "from-passphrase-file", "from-default-passphrase"}
			}
			for _, name := range unfit {
				if flags.Changed(name) {
					misplaced = append(misplaced, "--"+name)
				}
			}
			switch {
			case foreign.from != "" && len(args) > 0:
				return usageError{fmt.Errorf("unexpected argument %q: --from-s3dbjs and --to name the databases", args[0])}
			case foreign.from == "" && len(args) != 1:
				return usageError{fmt.Errorf("migrate takes the URL of one database, or --from-s3dbjs and --to; got %s", count(len(args), "argument"))}
			case len(misplaced) > 0 && foreign.from != "":
				return usageError{fmt.Errorf("%s: not with --from-s3dbjs", strings.Join(misplaced, ", "))}
			case len(misplaced) > 0:
				return usageError{fmt.Errorf("%s: only with --from-s3dbjs", strings.Join(misplaced, ", "))}
			}
			if err := oneOf("format", m.format, "text", "json"); err != nil {
				return err
			}
			if foreign.from != "" {
				return foreign.run(command.Context(), command.InOrStdin(), command.OutOrStdout())
			}
			return m.run(command.Context(), args[0], command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	flags := command.Flags()
	flags.StringArrayVar(&m.resources, "resource", nil, "only the resource of this `name` (several times for several)")
	flags.BoolVar(&m.options.DryRun, "dry-run", false, "write nothing")
	flags.BoolVar(&m.options.Exclusive, "exclusive", false, "no program of an older version is running")
	flags.BoolVar(&m.options.DropRemoved, "drop-removed", false, "drop values of attributes that the schema no longer has")
	choiceFlag(command, &m.format, "format", "text", "json")
	flags.StringVar(&foreign.from, "from-s3dbjs", "", "URL of the database of s3db.js")
	flags.StringVar(&foreign.to, "to", "", "URL of the database of s3dbgen")
	flags.StringVarP(&foreign.schema, "file", "f", "", "the schema (default: the imported one)")
	flags.StringVar(&foreign.passphraseFile, "from-passphrase-file", "", "file with the old passphrase on its first line")
	flags.BoolVar(&foreign.defaultPassphrase, "from-default-passphrase", false, "the old program gave no passphrase")
	m.keys.register(command)
	return command
}

// migration brings the documents of a database to their newest versions.
type migration struct {
	databaseFlags
	resources []string
	options   s3db.MigrateOptions
	format    string
}

// migrationReport is what the command tells.
type migrationReport struct {
	DryRun    bool                 `json:"dryRun"`
	Resources []s3db.MigrateReport `json:"resources"`
	Program   []needsProgram       `json:"needsProgram,omitempty"`
	Failures  []documentFailure    `json:"failures,omitempty"`
}

// needsProgram is a resource whose documents need functions of its program.
type needsProgram struct {
	Resource string `json:"resource"`
	Versions []int  `json:"versions"` // that the functions make
}

// documentFailure is a document that a command could not deal with.
type documentFailure struct {
	Resource string `json:"resource"`
	ID       string `json:"id"`
	Detail   string `json:"detail"`
}

func (m *migration) run(ctx context.Context, url string, stdout, stderr io.Writer) (err error) {
	var requests s3db.RequestCounter
	db, err := m.open(ctx, url, s3db.WithRequestObserver(requests.Observe))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	chosen, err := m.choose(db)
	if err != nil {
		return err
	}
	report := &migrationReport{DryRun: m.options.DryRun, Resources: []s3db.MigrateReport{}}
	versions, err := db.Versions(ctx)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if len(v.NeedsProgram) > 0 && slices.ContainsFunc(chosen, func(r *dynamic.Resource) bool { return r.Name() == v.Resource }) {
			report.Program = append(report.Program, needsProgram{v.Resource, v.NeedsProgram})
		}
	}
	if len(report.Program) == 0 || m.options.DryRun {
		p := newProgress(stderr, isTerminal(stderr), &requests, "looked at", 0)
		err = m.each(ctx, chosen, report, p)
		p.end()
	}
	return outcome(err, m.print(stdout, report))
}

// choose returns the resources that are meant. One whose registry entry cannot be
// understood is an error: it may have documents of older versions.
func (m *migration) choose(db *dynamic.Database) ([]*dynamic.Resource, error) {
	names := m.resources
	if len(names) == 0 {
		for _, r := range db.Describe().Resources {
			names = append(names, r.Name)
		}
	}
	var chosen []*dynamic.Resource
	for _, name := range names {
		r, err := db.Resource(name)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, r)
	}
	return chosen, nil
}

// each migrates one resource after the other.
func (m *migration) each(ctx context.Context, chosen []*dynamic.Resource, report *migrationReport, p *progress) error {
	before := 0
	for _, r := range chosen {
		o := m.options
		o.Progress = func(x s3db.MigrateReport) { p.to(before + x.Documents) }
		one, err := r.Migrate(ctx, o)
		if one != nil {
			report.Resources = append(report.Resources, *one)
			before += one.Documents
		}
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

// stops reports whether an error ended the migration of a resource, and was not
// that of some documents.
func stops(err error) bool {
	return errors.Is(err, s3db.ErrUnavailable) || errors.Is(err, s3db.ErrRefused) || errors.Is(err, s3db.ErrOutdated) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func (m *migration) print(w io.Writer, report *migrationReport) error {
	var err error
	if m.format == "json" {
		err = indented(w).Encode(report)
	} else {
		err = report.print(w)
	}
	if err == nil && len(report.Program)+len(report.Failures) > 0 {
		err = errTold
	}
	return err
}

func (r *migrationReport) print(w io.Writer) error {
	p := &lines{w: w}
	for _, f := range r.Failures {
		p.line("%s", plain(f.Detail))
	}
	for _, x := range r.Resources {
		migrated := "migrated"
		if r.DryRun {
			migrated = "to migrate"
		}
		state := ""
		switch {
		case x.Complete:
			state = "; complete"
		case !x.Again.IsZero():
			state = "; not complete: run migrate again after " + x.Again.UTC().Format(time.RFC3339) + ", or with --exclusive when no program of an older version is running"
		}
		p.line("%s: version %d, %s read, %d %s, %d failed%s", x.Resource, x.Version, count(x.Documents, "document"), x.Migrated, migrated, x.Failed, state)
	}
	for _, x := range r.Program {
		var versions []string
		for _, v := range x.Versions {
			versions = append(versions, fmt.Sprint(v))
		}
		p.line("%s: needs its program, which has the functions that make version %s", x.Resource, strings.Join(versions, ", "))
	}
	if len(r.Program) > 0 {
		p.line("Run there\n\n\treports, err := db.Migrate(ctx, s3db.MigrateOptions{})\n")
		if !r.DryRun {
			p.line("Nothing was changed. Name the resources that need no program with --resource to migrate them here.")
		}
	}
	return p.err
}
