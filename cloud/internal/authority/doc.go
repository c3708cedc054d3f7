// Package authority is the hub's own certificate authority. It makes itself at
// the first start, issues short-lived certificates to boards and one to the hub's own
// servers, and knows nothing of who may have one: that is package fleet's.
//
// Key and certificate of the CA lie in the data folder and are all that boards
// trust. Who has the key can speak for the hub, so it is readable by the hub
// alone; a backup of the data folder holds it too.
package authority
