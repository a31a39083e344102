// Package tenants is a generator plugin that gives every resource an attribute tenant,
// which no update changes, and a partition by it.
package tenants

import (
	"context"

	"github.com/s3dbgen/s3dbgen/gen/plugin"
	"github.com/s3dbgen/s3dbgen/schema"
)

// Plugin is the plugin.
type Plugin struct{}

// Name implements plugin.Plugin.
func (Plugin) Name() string { return "tenants" }

// Edit implements plugin.Editor. What it writes is checked like a schema written by hand.
func (Plugin) Edit(tree *schema.Tree) error {
	for _, resource := range tree.Keys("resources") {
		if err := tree.Set("{type: string, immutable: true, min: 1, max: 40, description: Whose it is.}", "resources", resource, "attributes", "tenant"); err != nil {
			return err
		}
		if err := tree.Set("tenant", "resources", resource, "partitions", "byTenant"); err != nil {
			return err
		}
	}
	return nil
}

// Generate implements plugin.Plugin: it adds no file.
func (Plugin) Generate(context.Context, *plugin.Request) (*plugin.Response, error) {
	return &plugin.Response{}, nil
}
