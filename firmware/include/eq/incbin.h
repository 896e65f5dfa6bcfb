/* EQ_INCBIN(section, name, alignment, file, offset, size): a constant array, defined as a part of a file that the
 * assembler looks for in the folders that the compiler looks for headers in. No other file's section has it, so that
 * linkers leave out what nothing refers to; and no shared library shows it. */
#ifndef EQ_INCBIN_H
#define EQ_INCBIN_H

#if !defined(__GNUC__) || !defined(__ELF__) || (defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
#error "weights in a file that the assembler includes need GCC or Clang, and little-endian ELF. For other compilers \
write the model with edgeq build --emit library, or another kind of project: their weights are C"
#endif

#define EQ_INCBIN(section, name, alignment, file, offset, size)                                                        \
    __asm__(".pushsection " section ",\"a\",%progbits\n"                                                               \
            ".balign " #alignment "\n"                                                                                 \
            ".globl " #name "\n"                                                                                       \
            ".hidden " #name "\n"                                                                                      \
            ".type " #name ",%object\n"                                                                                \
            ".size " #name "," #size "\n" #name ":\n"                                                                  \
            ".incbin \"" file "\"," #offset "," #size "\n"                                                             \
            ".popsection\n")

#endif
