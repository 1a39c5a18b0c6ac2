/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm/xml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

static const xmlChar *xml_text(const char *text)
{
	return (const xmlChar *)text;
}

int vm_xml_open(struct vm_xml *xml, struct error *err)
{
	int r;

	memset(xml, 0, sizeof(*xml));
	r = libxml2_load(&xml->library, err);
	if (r < 0)
		return r;
	xml->document = xml->library.xmlNewDoc(xml_text("1.0"));
	return xml->document ? 0 : error_oom(err);
}

void vm_xml_close(struct vm_xml *xml)
{
	if (xml->document)
		xml->library.xmlFreeDoc(xml->document);
}

static void *note(struct vm_xml *xml, int failure)
{
	if (!xml->failure)
		xml->failure = failure;
	return NULL;
}

void vm_xml_fail(struct vm_xml *xml)
{
	note(xml, -ENOMEM);
}

xmlNode *vm_xml_root(struct vm_xml *xml, const char *name)
{
	xmlNode *node =
		xml->library.xmlNewDocNode(xml->document, NULL, xml_text(name), NULL);

	if (!node)
		return note(xml, -ENOMEM);
	xml->library.xmlDocSetRootElement(xml->document, node);
	return node;
}

static xmlNode *add_element(struct vm_xml *xml, xmlNode *parent, const char *name)
{
	xmlNode *node;

	if (!parent)
		return NULL;
	node = xml->library.xmlNewDocNode(xml->document, NULL, xml_text(name), NULL);
	if (!node)
		return note(xml, -ENOMEM);
	return xml->library.xmlAddChild(parent, node);
}

static void set(struct vm_xml *xml, xmlNode *node, const char *name, const char *value)
{
	if (!node)
		return;
	if (!xml->library.xmlCheckUTF8(xml_text(value)))
		note(xml, -EILSEQ);
	else if (!xml->library.xmlNewProp(node, xml_text(name), xml_text(value)))
		note(xml, -ENOMEM);
}

xmlNode *vm_xml_add_with(struct vm_xml *xml, xmlNode *parent, const char *name,
			 const char *const *attributes)
{
	xmlNode *node = add_element(xml, parent, name);

	for (; *attributes; attributes += 2)
		set(xml, node, attributes[0], attributes[1]);
	return node;
}

__attribute__((format(printf, 2, 0))) static char *print(struct vm_xml *xml,
							 const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		return note(xml, -ENOMEM);
	return text;
}

xmlNode *vm_xml_add_text(struct vm_xml *xml, xmlNode *parent, const char *name,
			 const char *format, ...)
{
	xmlNode *node = add_element(xml, parent, name), *inside;
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, format);
	text = print(xml, format, args);
	va_end(args);
	if (!text)
		return NULL;
	if (!xml->library.xmlCheckUTF8(xml_text(text)))
		return note(xml, -EILSEQ);
	inside = node ? xml->library.xmlNewDocText(xml->document, xml_text(text)) : NULL;
	if (!inside)
		return note(xml, -ENOMEM);
	xml->library.xmlAddChild(node, inside);
	return node;
}

void vm_xml_set(struct vm_xml *xml, xmlNode *node, const char *name, const char *format,
		...)
{
	_cleanup_free_ char *value = NULL;
	va_list args;

	va_start(args, format);
	value = print(xml, format, args);
	va_end(args);
	if (value)
		set(xml, node, name, value);
}

xmlNode *vm_xml_add_foreign(struct vm_xml *xml, xmlNode *parent, const char *prefix,
			    const char *uri, const char *name)
{
	xmlNode *node = add_element(xml, parent, name);
	xmlNs *ns = node ? xml->library.xmlNewNs(node, xml_text(uri), xml_text(prefix))
			 : NULL;

	if (!ns)
		return note(xml, -ENOMEM);
	xml->library.xmlSetNs(node, ns);
	return node;
}

xmlNode *vm_xml_add_kin(struct vm_xml *xml, xmlNode *parent, const char *name)
{
	xmlNode *node = add_element(xml, parent, name);

	if (node)
		xml->library.xmlSetNs(node, parent->ns);
	return node;
}

int vm_xml_print(struct vm_xml *xml, xmlNode *node, char **text, struct error *err)
{
	xmlBuffer *buffer = xml->failure ? NULL : xml->library.xmlBufferCreate();
	char *longer = NULL;

	if (buffer && xml->library.xmlNodeDump(buffer, xml->document, node, 0, 1) >= 0 &&
	    asprintf(&longer, "%s%s\n", *text ? *text : "",
		     (const char *)xml->library.xmlBufferContent(buffer)) < 0)
		longer = NULL;
	if (buffer)
		xml->library.xmlBufferFree(buffer);
	if (xml->failure == -EILSEQ)
		return error_set(err, EILSEQ, "the guest's definition",
				 "a name or a path in it is not UTF-8");
	if (!longer)
		return error_oom(err);
	free(*text);
	*text = longer;
	return 0;
}
