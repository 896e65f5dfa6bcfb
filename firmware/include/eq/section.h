/* EQ_SECTION("name"): the section that an array goes to, written before its type; nothing where objects are not ELF. */
#ifndef EQ_SECTION_H
#define EQ_SECTION_H

#if defined(__ELF__)
#define EQ_SECTION(name) __attribute__((section(name)))
#else
#define EQ_SECTION(name)
#endif

#endif
