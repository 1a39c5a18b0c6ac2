/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domains, as libvirt tells them and lets them be changed. Real: libvirt's library. Not
 * real: its hypervisor, which is the one that it has for tests. */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "vm/connect.h"
#include "vm/definition.h"
#include "vm/splice.h"

#define HOSTDEV                                                       \
	"<hostdev mode=\"subsystem\" type=\"pci\" managed=\"yes\">\n" \
	"  <source>\n"                                                \
	"    <address domain=\"0x0000\" bus=\"0x0a\" slot=\"0x00\""   \
	" function=\"0x0\"/>\n"                                       \
	"  </source>\n"                                               \
	"</hostdev>\n"

static struct vm_connection *connection;

static int connect_for_tests(void **state)
{
	(void)state;
	return vm_connect("test:///default", &connection, NULL);
}

static int disconnect(void **state)
{
	(void)state;
	vm_disconnect(connection);
	return 0;
}

static struct vm_domain_texts read_domain(void)
{
	struct vm_domain_texts texts = { 0 };

	assert_int_equal(vm_read_domain(connection, "test", &texts, NULL), 0);
	return texts;
}

static void a_domain_is_found_with_what_it_runs_and_starts_with(void **state)
{
	struct vm_domain_texts texts = read_domain();
	struct vm_domain_list list = { 0 };
	struct error err = ERROR_INIT;

	(void)state;
	assert_string_equal(texts.name, "test");
	assert_non_null(strstr(texts.config, "<name>test</name>"));
	assert_non_null(strstr(texts.live, "<name>test</name>"));
	vm_domain_texts_free(&texts);
	assert_int_equal(vm_list_domains(connection, &list, NULL), 0);
	assert_int_equal(list.count, 1);
	assert_string_equal(list.items[0].name, "test");
	assert_non_null(list.items[0].live);
	vm_domain_list_free(&list);
	assert_int_equal(vm_read_domain(connection, "none", &texts, &err), -ENOENT);
	assert_string_equal(err.subject, "none");
	error_clear(&err);
}

static void looking_reads_no_secret_and_changes_nothing(void **state)
{
	struct vm_domain_texts texts = { 0 };
	struct vm_connection *looking;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(vm_connect_to_look("test:///default", &looking, NULL), 0);
	assert_int_equal(vm_read_domain(looking, "test", &texts, NULL), 0);
	assert_int_equal(vm_redefine_domain(looking, "test", texts.config, texts.config,
					    &err),
			 -EIO);
	error_clear(&err);
	vm_domain_texts_free(&texts);
	assert_int_equal(vm_read_domain(looking, "guest.xml", &texts, &err), -ENOENT);
	assert_non_null(strstr(err.hint, "--xml"));
	error_clear(&err);
	vm_disconnect(looking);
}

static void what_someone_else_changed_meanwhile_is_not_written_over(void **state)
{
	struct vm_domain_texts before = read_domain(), after;
	struct vm_definition definition = { 0 };
	struct error err = ERROR_INIT;
	char *edited;
	size_t len;

	(void)state;
	assert_int_equal(vm_splice_add(before.config, strlen(before.config), HOSTDEV,
				       &edited, &len, NULL),
			 0);
	assert_int_equal(
		vm_redefine_domain(connection, "test", before.config, edited, NULL), 0);
	after = read_domain();
	assert_int_equal(vm_definition_read(after.config, strlen(after.config),
					    &definition, NULL),
			 0);
	assert_int_equal(definition.n_held, 1);
	assert_int_equal(definition.held[0].host.bus, 0x0a);
	assert_int_equal(vm_redefine_domain(connection, "test", before.config, edited,
					    &err),
			 -ESTALE);
	assert_non_null(strstr(err.hint, "again"));
	error_clear(&err);
	assert_int_equal(vm_redefine_domain(connection, "test", after.config, "<domain/>",
					    &err),
			 -EIO);
	assert_non_null(strstr(err.hint, "virt-xml-validate"));
	error_clear(&err);
	assert_int_equal(vm_redefine_domain(connection, "test", after.config,
					    before.config, NULL),
			 0);
	vm_domain_texts_free(&after);
	after = read_domain();
	assert_string_equal(after.config, before.config);
	vm_definition_free(&definition);
	vm_domain_texts_free(&after);
	vm_domain_texts_free(&before);
	free(edited);
}

static void what_libvirt_refuses_is_told_in_its_own_words(void **state)
{
	static const struct pci_address nowhere = { .bus = 0x0b };
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(vm_plug(connection, "test", "<nothing/>", &err), -EIO);
	assert_true(err.message[0]);
	error_clear(&err);
	assert_int_equal(vm_plug(connection, "none", HOSTDEV, &err), -ENOENT);
	error_clear(&err);
	assert_int_equal(vm_unplug(connection, "none", HOSTDEV, &nowhere, 1, &err),
			 -ENOENT);
	error_clear(&err);
	assert_int_equal(vm_unplug(connection, "test", "<nothing/>", &nowhere, 1, &err),
			 -EIO);
	error_clear(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_domain_is_found_with_what_it_runs_and_starts_with),
		cmocka_unit_test(looking_reads_no_secret_and_changes_nothing),
		cmocka_unit_test(what_someone_else_changed_meanwhile_is_not_written_over),
		cmocka_unit_test(what_libvirt_refuses_is_told_in_its_own_words),
	};

	return cmocka_run_group_tests(tests, connect_for_tests, disconnect);
}
