package config

import (
	"fmt"
	"strconv"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/schema"
)

// routes reads which resources go where:
//
//	resources: [users, orders]                 all changes, where the target puts them
//	resources:
//	  users: [{actions: [insert, update], table: people}, {actions: [insert], table: log}]
//	  orders: {table: orders}                  all changes
//	  products: products_table                 inserts only
//	  carts:                                   all changes, where the target puts them
func (r *reader) routes(at schema.Value) map[string][]replicator.Route {
	routes := map[string][]replicator.Route{}
	switch {
	case !at.Exists():
		return nil
	case at.IsList():
		for _, item := range at.Items() {
			if name := r.text(schema.Value{}, item); name != "" {
				if routes[name] != nil {
					r.doc.Report(item, schema.Mistake{Code: schema.CodeRoute, Message: fmt.Sprintf("resource %s stands twice", strconv.Quote(name))})
				}
				routes[name] = []replicator.Route{{}}
			}
		}
	case at.IsMapping():
		for _, p := range at.Pairs() {
			routes[p.Key.Text()] = r.routesOf(p.Key, p.Value)
		}
	default:
		r.doc.Report(at, schema.Mistake{Code: schema.CodeWrongNode, Message: "resources must be a list or a mapping, this is " + at.Kind()})
		return nil
	}
	if len(routes) == 0 && (at.IsList() || at.IsMapping()) {
		r.doc.Report(at, schema.Mistake{Code: schema.CodeEmptySection, Message: "resources is empty", Help: "name the resources that are replicated"})
	}
	return routes
}

func (r *reader) routesOf(key, v schema.Value) []replicator.Route {
	switch {
	case v.IsNull():
		return []replicator.Route{{}}
	case v.IsList():
		if len(v.Items()) == 0 {
			r.doc.Report(v, schema.Mistake{Code: schema.CodeRoute, Message: fmt.Sprintf("resource %s goes nowhere", strconv.Quote(key.Text())), Help: "name a table, or leave the resource out"})
		}
		list := make([]replicator.Route, 0, len(v.Items()))
		for _, item := range v.Items() {
			list = append(list, r.route(key, item))
		}
		return list
	}
	return []replicator.Route{r.route(key, v)}
}

// route reads one route. The short form, a name alone, takes inserts only, as in s3db.js.
func (r *reader) route(key, v schema.Value) replicator.Route {
	if !v.IsMapping() {
		return replicator.Route{To: r.text(key, v), Actions: []replicator.Action{replicator.Insert}}
	}
	var route replicator.Route
	to := func(key, v schema.Value) {
		if route.To != "" {
			r.doc.Report(key, schema.Mistake{Code: schema.CodeConflictingKeys, Message: "table, queue, url and to say the same", Help: "keep one"})
		}
		route.To = r.text(key, v)
	}
	r.section(v, "a route", map[string]func(key, value schema.Value){
		"table": to, "queue": to, "url": to, "to": to,
		"actions": func(key, v schema.Value) { route.Actions = r.actions(key, v) },
	})
	return route
}

func (r *reader) actions(key, v schema.Value) []replicator.Action {
	var names []string
	for _, a := range replicator.Actions() {
		names = append(names, a.String())
	}
	items := r.items(key, v)
	if v.IsList() && len(items) == 0 {
		r.doc.Report(v, schema.Mistake{Code: schema.CodeRoute, Message: "a route without actions takes nothing", Help: "leave actions out for all of them"})
	}
	var list []replicator.Action
	for _, item := range items {
		s := r.text(key, item)
		a, err := replicator.ParseAction(s)
		switch {
		case s == "":
		case err != nil:
			r.doc.Report(item, schema.Mistake{Code: schema.CodeRoute, Message: "unknown action " + strconv.Quote(s), Help: schema.DidYouMean(s, names)})
		default:
			list = append(list, a)
		}
	}
	return list
}
