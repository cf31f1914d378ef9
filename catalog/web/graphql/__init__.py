"""GraphQL: a schema made from the kinds, reads compiled to one statement, writes by the verbs."""
