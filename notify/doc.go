// Package notify tells others what was done: commands, which find the facts in
// their environment, and a web hook, which gets them in a text.
//
// Start with Facts, Hook and Webhook.
package notify
