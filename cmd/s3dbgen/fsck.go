package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

func newFsck() *cobra.Command {
	var options s3db.FsckOptions
	var format string
	command := &cobra.Command{
		Use:                   "fsck URL [--repair] [--exclusive] [--format text|json]",
		DisableFlagsInUseLine: true,
		Short:                 "Find and remove what crashed programs left in a database",
		Long: `Fsck compares the documents of a database with their partition entries and
unique claims. What a program left behind that ended in the middle of a write is
harmless: no reader sees it. --repair removes it once it is an hour old by the
server's clock, so fsck is safe while other programs write.

Exit code 1 means that something was found and not repaired.`,
		Example: `  s3dbgen fsck file://./shop.db
  s3dbgen fsck s3://bucket/shop --repair
  s3dbgen fsck 's3://bucket/shop?endpoint=http://127.0.0.1:9000' --format json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("fsck takes one database URL, got %d", len(args))}
			}
			return nil
		},
		RunE: func(command *cobra.Command, args []string) error {
			if err := oneOf("format", format, "text", "json"); err != nil {
				return err
			}
			return fsck(command.Context(), args[0], options, format, command.OutOrStdout())
		},
	}
	command.Flags().BoolVar(&options.Repair, "repair", false, "remove what is left over")
	command.Flags().BoolVar(&options.Exclusive, "exclusive", false, "nothing else uses the database: leftovers count whatever their age")
	choiceFlag(command, &format, "format", "text", "json")
	return command
}

func fsck(ctx context.Context, url string, options s3db.FsckOptions, format string, stdout io.Writer) (err error) {
	db, err := s3db.Open(ctx, url, s3db.Config{
		Drivers:  drivers(),
		Existing: true,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	report, err := db.Fsck(ctx, options)
	if err != nil {
		return err
	}
	if format == "json" {
		err = indented(stdout).Encode(report)
	} else {
		err = printReport(stdout, report)
	}
	if err == nil && !report.Clean() {
		err = errTold
	}
	return err
}

func printReport(w io.Writer, report *s3db.FsckReport) error {
	for _, f := range report.Findings {
		state := "found"
		if f.Repaired {
			state = "removed"
		}
		line := fmt.Sprintf("%s %s %s", state, f.Kind, f.Key)
		if f.Detail != "" {
			line += ": " + plain(f.Detail)
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	kept := ""
	if report.History > 0 {
		kept = ", " + count(report.History, "kept state")
	}
	if report.Sequences > 0 {
		kept += ", " + count(report.Sequences, "sequence")
	}
	_, err := fmt.Fprintf(w, "%s, %s, %s, %s, %s%s; %s, %d recent\n",
		count(report.Documents, "document"), count(report.Entries, "entry", "entries"), count(report.Claims, "claim"),
		count(report.Contents, "content"), count(report.Tombstones, "tombstone"), kept, count(len(report.Findings), "finding"), report.Recent)
	return err
}
