import { XMLParser } from 'fast-xml-parser';
import { LinkError } from './errors.ts';

/**
 * Domain XML of libvirt 9 is 3–20 KB. libvirt itself sends up to 4 MiB; the parser takes 0.6 s for the worst
 * MiB we could make up, and that is as long as one domain may hold up everything else.
 */
const MAX_XML_LENGTH = 1024 * 1024;

/** Names and paths longer than this are no device of libvirt's (UNIX socket paths end at 108). */
const MAX_TEXT_LENGTH = 4096;

export type XmlNode = Readonly<Record<string, unknown>>;

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  parseAttributeValue: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: 64,
});

/** Parses one document. Throws LinkError `bad-xml` for whatever libvirt wouldn't send, entities included. */
export function parseXml(xml: string): XmlNode {
  if (xml.length > MAX_XML_LENGTH) throw badXml(`it is longer than ${MAX_XML_LENGTH} characters`);
  // libvirt never sends a document type, and without one no entity can be defined and blown up.
  if (xml.includes('<!DOCTYPE')) throw badXml('it holds a document type');
  try {
    return asNode(parser.parse(xml, true));
  } catch (error) {
    throw badXml('it is not such as libvirt sends', error);
  }
}

/** All children of that name, whether the parser made one value or a list of them. */
export function children(node: XmlNode, name: string): XmlNode[] {
  const value = Object.hasOwn(node, name) ? node[name] : undefined;
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map(asNode);
}

/** The first child of that name; an empty node where there is none. */
export function child(node: XmlNode, ...path: string[]): XmlNode {
  return path.reduce((parent, name) => children(parent, name)[0] ?? {}, node);
}

/** Children whose name without its namespace prefix is `localName`. */
export function childrenByLocalName(node: XmlNode, localName: string): XmlNode[] {
  const names = Object.keys(node).filter(name => name === localName || name.endsWith(`:${localName}`));
  return names.flatMap(name => children(node, name));
}

export function attribute(node: XmlNode, name: string): string | undefined {
  return bounded(Object.hasOwn(node, `@${name}`) ? node[`@${name}`] : undefined);
}

export function text(node: XmlNode): string | undefined {
  return bounded(Object.hasOwn(node, '#text') ? node['#text'] : undefined);
}

function bounded(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= MAX_TEXT_LENGTH ? value : undefined;
}

/** An element without attributes and children comes as its text alone. */
function asNode(value: unknown): XmlNode {
  if (typeof value === 'object' && value !== null) return value as XmlNode;
  return typeof value === 'string' ? { '#text': value } : {};
}

function badXml(why: string, cause?: unknown): LinkError {
  return new LinkError('bad-xml', `The domain's XML can't be used: ${why}.`, { cause });
}
