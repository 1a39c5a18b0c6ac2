/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_BIND_TAB_H
#define PCIFERRY_CLI_BIND_TAB_H

#include "cli/take.h"

/*
 * Makes the virtual functions that the tab of this boot lists, once the drivers for that
 * are there, for which it waits so many seconds; and binds what it lists and what is not
 * bound yet: only devices that are what their line says, and only groups of which each
 * member is listed. Where
 * one is refused the others are bound all the same. Then it makes the slices that mdevctl
 * has defined to start by themselves, each as soon as its parent is there, for which it
 * waits as long. *ret_plan, for bind_plan_free(), is what was done, also where one was
 * refused; the UUIDs of slices made are added to ret_slices. Returns 0, or the first
 * -errno.
 */
int bind_tab(const struct cli *cli, const struct host *host,
	     const struct take_options *options, unsigned int seconds,
	     struct bind_plan *ret_plan, struct string_list *ret_slices,
	     struct error *err);

#endif
