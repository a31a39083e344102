package schema

func explainRelations() []Explanation {
	const head = "package: shop\nresources:\n  users:\n    attributes: {name: string}\n"
	schema := func(users, orders string) string { return head + users + "  orders:\n" + orders }
	const (
		many = "    relations: {orders: {hasMany: orders}}\n"
		held = "    attributes: {userId: string}\n"
		back = "    relations: {user: {belongsTo: users, by: userId}}\n"
		by   = "    partitions: {byUserId: userId}\n"
	)
	return []Explanation{
		{
			Code: CodeRelationTarget, Title: "relation to a resource that is not there",
			Text:  "belongsTo and hasMany name a resource of the same schema.",
			Wrong: schema("", held+"    relations: {user: {belongsTo: user, by: userId}}\n"), Right: schema("", held+back),
		},
		{
			Code: CodeRelationBy, Title: "relation by an attribute that is not there",
			Text:  "by names the attribute that holds the id of the other document: an attribute of the resource itself, not of a nested object. Under hasMany it is one of the other resource.",
			Wrong: schema("", held+"    relations: {user: {belongsTo: users, by: user}}\n"), Right: schema("", held+back),
		},
		{
			Code: CodeRelationType, Title: "attribute that cannot hold these ids",
			Text:  "Ids are texts, so the attribute is a string, which becomes the type of the other document's id in Go. It is stored as it is given, and holds ids of one resource.",
			Wrong: schema("", "    attributes: {userId: uuid}\n"+back), Right: schema("", held+back),
		},
		{
			Code: CodeRelationOpposite, Title: "hasMany without one belongsTo that leads back",
			Text:  "A resource has many documents that belong to it: the other resource says so with belongsTo, and by which attribute. Where there are several, by chooses.",
			Wrong: schema(many, held+by), Right: schema(many, held+back+by),
		},
		{
			Code: CodeRelationPartition, Title: "hasMany without a partition",
			Text:  "Documents that belong to another one are found through a partition whose first field is the attribute that holds the id, whole and ascending, and whose other fields are never absent. Without it each of them would be looked for in all documents.",
			Wrong: schema(many, held+back), Right: schema(many, held+back+by),
		},
	}
}
