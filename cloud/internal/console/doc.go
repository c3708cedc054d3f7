// Package console gives the hub's pages for people: server-made HTML from the
// catalogue of internal/web, whole without JavaScript. It is one of the two
// homes of gin.
//
// Pages of a part stand in files of their own here: a type that holds the
// Console and what it shows, with a method Section that names its place in the
// menu, its addresses and its steps of the cycle. The hub's wiring hands it to
// Add. A handler asks the Console for the rest:
//
//	k.show(c, http.StatusOK, page{Name: "board", Nav: "fleet", Title: v.Say("hub.board.title"), Body: view})
//	k.flash(c, "hub.board.renamed", "name", name) // said on the next page
//	k.ask(c, question{...})                       // before anything dangerous
//	k.ShowError(c, http.StatusNotFound, "not_found")
//
// A template "templates/<Name>.html" fills in "main"; those of parts.html are
// for all. Every text is a key "hub.…" of internal/web/texts.
package console
