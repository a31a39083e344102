package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// defaultListen is where health and metrics are, unless the configuration or the flag says
// otherwise.
const defaultListen = "127.0.0.1:9464"

func (c *commands) newRun() *cobra.Command {
	var listen string
	var once bool
	command := &cobra.Command{
		Use:   "replicate [-c FILE] [--listen ADDRESS] [--once]",
		Short: "Replicate the changes of a database to other systems",
		Long: `Replicate takes the committed changes of a database to the targets that the
configuration names, until it is stopped by an interrupt or SIGTERM: then it ends the
batch that it is at, gives its leases back and exits with 0. Several processes may run
at once: they share the shards, and when one dies the others take over.

A target that is new gets the documents that are there first, then the changes since.

On 127.0.0.1:9464 it answers /healthz (the process runs), /readyz (no target is failing)
and /metrics for Prometheus. --listen, or listen in the configuration, names another
address; "off" none.

--once replicates what there is and ends. Exit code 1 means that something failed.`,
		Example: `  s3dbgen replicate -c replicate.yaml
  s3dbgen replicate -c replicate.yaml --once
  s3dbgen replicate status -c replicate.yaml`,
		DisableFlagsInUseLine: true,
		Args:                  c.args(),
		RunE: func(command *cobra.Command, _ []string) error {
			if once {
				return c.once(command.Context(), command.ErrOrStderr())
			}
			return c.run(command.Context(), listen, command.Flags().Changed("listen"), command.ErrOrStderr())
		},
	}
	command.Flags().StringVar(&listen, "listen", defaultListen, `address of health and metrics, or "off"`)
	command.Flags().BoolVar(&once, "once", false, "replicate what there is and end")
	return command
}

// once replicates what there is.
func (c *commands) once(ctx context.Context, w io.Writer) (err error) {
	_, db, r, err := c.open(ctx, func(o *replicator.Options) { o.OnDemand = true })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	failed := r.Sync(ctx)
	list, err := r.Status(ctx)
	if err != nil {
		return errors.Join(failed, err)
	}
	for _, s := range list {
		tell(w, "%s: %s", s.Target, summary(&s))
	}
	if failed != nil {
		tell(w, "%v", failed)
		return ErrFound
	}
	return nil
}

// run replicates until the context ends.
func (c *commands) run(ctx context.Context, listen string, given bool, w io.Writer) (err error) {
	conf, err := c.read()
	if err != nil {
		return err
	}
	for _, t := range conf.Options.Targets {
		_ = t.Target.Close() // those that open makes are used
	}
	if !conf.Enabled {
		tell(w, "replication is not enabled in %s", c.file)
		return nil
	}
	if !given && conf.Listen != "" {
		listen = conf.Listen
	}
	_, db, r, err := c.open(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	m := newMonitor(r)
	if listen != "off" {
		stop, address, err := serve(ctx, listen, m)
		if err != nil {
			return err
		}
		defer stop()
		tell(w, "health and metrics on http://%s", address)
	}
	tell(w, "replicating %s to %s", db.ID(), strings.Join(names(conf.Options.Targets), ", "))
	screen := &screen{w: w, drawn: c.Terminal != nil && c.Terminal(w), last: map[string]string{}}
	remove := r.Subscribe(screen.event)
	defer remove()
	screen.follow(ctx, m)
	tell(w, "stopping")
	return nil
}

func names(targets []replicator.TargetOptions) []string {
	list := make([]string, 0, len(targets))
	for _, t := range targets {
		list = append(list, t.Name)
	}
	return list
}

// tell prints a line. A line that cannot be written is no reason to stop.
func tell(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }

// listener opens the address of health and metrics.
func listener(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("health and metrics: %w; name another address with --listen, or off", err)
	}
	return l, nil
}

// summary is the status of a target in one line.
func summary(s *replicator.Status) string {
	text := string(s.State)
	if s.State == replicator.Failing {
		text = "failing: " + s.Error
	}
	if !s.SnapshotDone {
		text += fmt.Sprintf(", snapshot of %d documents so far", s.Documents)
	}
	if s.LagChanges > 0 {
		text += fmt.Sprintf(", %d changes behind (%s)", s.LagChanges, s.Lag.Round(time.Second))
	}
	if s.Parked > 0 {
		text += fmt.Sprintf(", %d documents parked", s.Parked)
	}
	if s.Paused {
		text += ", paused"
	}
	return text
}
