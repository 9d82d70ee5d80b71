// Package filter is Chroma's filter language, where and where_document,
// evaluated on records: for records that are in a snapshot and in no server.
// [Where] and [WhereDocument] read a filter, [Filter.Match] applies it.
//
// It answers as the servers do that it is held against (1.0.0 and 1.4.4):
//
//   - $ne, $nin, $not_contains and $not_regex are the negations of the others,
//     so they match records that do not have the key, or no document;
//   - a number of the filter is made an int to be compared with an int, and a
//     float to be compared with a float: 1.5 selects the int 1 as well. Nothing
//     else of another type is equal; $gt, $gte, $lt and $lte take numbers only;
//   - a list of $in and $nin has values of one type, that of the first, and at
//     least one; ints are taken among floats, not the other way round;
//   - a value that is an array is equal to nothing. $contains and $not_contains
//     look for an element of it, and there an int is not a float;
//   - $and of nothing is everything, $or of nothing is nothing;
//   - a document contains the empty text, and case counts.
//
// What a server refuses is an [Error]. A float of a filter is the nearest one;
// servers read some decimals a few units in the last place off.
package filter
