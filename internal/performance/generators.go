package main

import (
	"fmt"
	"os"
	"strings"
)

// generators is the table of BenchmarkPeers, which is written by itself.
const generators = "generators"

// peers are the generators of BenchmarkPeers.
func peers() []string { return []string{"s3dbgen", "sqlc", "oapi-codegen"} }

// writeGenerators writes the table of generators into the page.
func writeGenerators(page, text string, r results) error {
	table, err := generatorsTable(r)
	if err != nil {
		return err
	}
	whole, err := insert(text, map[string]string{generators: table})
	if err != nil {
		return err
	}
	return os.WriteFile(page, []byte(whole), 0o644) //nolint:gosec // documents are for everyone
}

func generatorsTable(r results) (string, error) {
	var b strings.Builder
	b.WriteString("| | CPU | memory | nothing changed |\n|---|---|---|---|\n")
	for _, name := range peers() {
		cpu, err := r.value("Peers", name+"-cpu-ms")
		if err != nil {
			return "", err
		}
		memory, err := r.value("Peers", name+"-MB")
		if err != nil {
			return "", err
		}
		unchanged := ""
		if name == peers()[0] {
			ms, err := r.value("Peers", "unchanged-ms")
			if err != nil {
				return "", err
			}
			unchanged = fmt.Sprintf("%.0f ms", ms)
		}
		fmt.Fprintf(&b, "| %s | %s ms | %.0f MB | %s |\n", name, thousands(cpu), memory, unchanged)
	}
	return b.String(), nil
}
