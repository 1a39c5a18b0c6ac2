/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/findings.h"

#include <json-c/json.h>
#include <string.h>

#include "cli/json.h"
#include "cli/output.h"

int findings_print_json(const char *command, const struct check_findings *findings,
			struct error *err)
{
	struct json_object *root = json_root(command);
	struct json_object *array = json_object_new_array();

	if (!root || !array) {
		json_object_put(root);
		json_object_put(array);
		return error_oom(err);
	}
	for (size_t i = 0; i < findings->count; i++)
		json_object_array_add(array, json_finding(&findings->items[i]));
	json_object_object_add(root, "findings", array);
	return output_json(root);
}

/* What is well is summed up, unless each step is to be told. */
static void print_finding(const struct check_finding *finding, bool verbose)
{
	bool calls = finding->status >= CHECK_WARN || verbose;

	if (finding->status == CHECK_PASS && !verbose)
		return;
	output_line("  %-7s  %s: %s%s%s", check_status_name(finding->status),
		    finding->check->id, finding->subject, finding->subject[0] ? ": " : "",
		    finding->seen);
	if (calls && finding->why[0])
		output_line("           why: %s", finding->why);
	if (calls && finding->fix[0])
		output_line("           fix: %s", finding->fix);
}

/* Those of an area stand together. Returns where the next area begins. */
static size_t print_area(const struct check_findings *findings, size_t first,
			 bool verbose)
{
	const char *area = findings->items[first].check->area;
	enum check_status worst = CHECK_PASS;
	size_t end = first;

	for (; end < findings->count; end++) {
		if (strcmp(findings->items[end].check->area, area) != 0)
			break;
		if (findings->items[end].status > worst)
			worst = findings->items[end].status;
	}
	output_line("%-10s %s", area, check_status_name(worst));
	for (size_t i = first; i < end; i++)
		print_finding(&findings->items[i], verbose);
	return end;
}

size_t findings_count(const struct check_findings *findings, enum check_status status)
{
	size_t count = 0;

	for (size_t i = 0; i < findings->count; i++)
		count += findings->items[i].status == status;
	return count;
}

void findings_print(const struct cli *cli, const struct check_findings *findings)
{
	for (size_t at = 0; at < findings->count;)
		at = print_area(findings, at, cli->verbose);
	if (!cli->quiet)
		output_talk("%zu findings: %zu FAIL, %zu WARN, %zu UNKNOWN",
			    findings->count, findings_count(findings, CHECK_FAIL),
			    findings_count(findings, CHECK_WARN),
			    findings_count(findings, CHECK_UNKNOWN));
}
