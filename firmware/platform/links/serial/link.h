/* The model at the end of a serial line: somebody asks, the device answers.
 *
 * Requests and answers are frames (frame.h); the device is silent until it has a whole one, and who asks waits for the
 * answer. All numbers are little-endian.
 *
 *     request   command:1  number:2  ...
 *     answer    command | 0x80:1  number:2, that of the request  status:1  ...
 *
 *     command     asks with           is answered with
 *
 *     1 INFO                          version:1 features:1 data:2 inputs:4 outputs:4 arena:4 state:4 layers:4
 *                                     identity:8 name text
 *     2 WRITE     offset:4 data
 *     3 RUN       flags:1             stack:4 arena:4
 *     4 READ      offset:4 count:2    data
 *     5 MANY      flags:1 inputs      outputs stack:4 failed:1
 *     6 TABLE     first:4 count:2     values, 8 bytes each
 *     7 PAINT
 *     8 RESET
 *     9 ECHO      data                data
 *    10 MODEL     index:2             as INFO
 *
 * Features are 1 profile, 2 state, 4 several models. Data of WRITE are the inputs one after the other, as many bytes at
 * once as INFO says or less; of READ the outputs.
 *
 * Texts are a byte with their length and that many bytes: EQ_MODEL_NAME, and what is wrong with weights that are
 * apart from the program, or nothing. The identity is that of the manifest.
 *
 * A status is 0 OK, 1 STARTED, 2 DAMAGED, 3 BAD_REQUEST, 4 NOT_WRITTEN or 5 MODEL_FAILED. RUN and MANY are answered
 * twice: at once with STARTED, and when they are done. RUN works on what was written, in the arena itself, and uses it
 * up; all of it must have been written since the last one, lowest offsets first. Its flags: 1 a sequence begins, 2 tell
 * how deep the stack gets, 4 time every layer, and 8 times the model's index (its lowest five bits). TABLE then has
 * what timing itself costs each value, the time until the first layer, of each layer, and after the last. PAINT fills
 * the arena, so that the next RUN tells how many bytes of it were used up to the last; 0 where that or the stack is not
 * known. MANY is for models without states: several inputs at once, each as WRITE would have them. RESET starts the
 * device anew. A request that comes again, with the same number, is answered again, but RUN is not done twice, unless
 * INFO or MODEL was asked since.
 *
 * Of several models INFO chooses the first, and MODEL any; all other requests are about the chosen one, whose index RUN
 * and MANY repeat: where it is another's, as after the device has started anew, the status is NOT_WRITTEN. Arenas are
 * shared, states are not.
 *
 * What is no frame is answered with command 0x80, number 0 and the status DAMAGED, and may be asked again. */
#ifndef EQ_LINK_H
#define EQ_LINK_H

/* Answers until the console ends, which that of a board never does. */
void eq_link_serve(void);

#endif
