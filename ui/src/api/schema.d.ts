// Made from /openapi.json by ui/api-types.ts. Do not edit.

export interface paths {
    "/orders/{id}/timeline": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Each hop of an order with its time */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** Format: uuid */
                            order_id: string;
                            hops: {
                                /** @enum {string} */
                                hop: "accepted" | "published" | "received" | "debited" | "declined" | "result_published" | "settled";
                                /**
                                 * @description Whose act it is
                                 * @example orders-service
                                 */
                                service: string;
                                /**
                                 * Format: date-time
                                 * @description null where it has not happened yet, or its record is past its retention
                                 */
                                at: string | null;
                                /** @description Where the message of this hop lies in Kafka */
                                topic?: string;
                                partition?: number;
                                offset?: number;
                            }[];
                            /** @description Where an operator discarded the message from which the next hop would come: it does not come by itself */
                            discarded?: {
                                /**
                                 * @description Where it was discarded
                                 * @example payments-service
                                 */
                                service: string;
                                /** Format: date-time */
                                at: string;
                                /**
                                 * @description Id of the act in that service's `operator_acts`
                                 * @example 3
                                 */
                                act: string;
                                /**
                                 * @description As `npm run dead-letters -- show` takes it, which tells who discarded it, and why
                                 * @example payments/12
                                 */
                                dead_letter: string;
                                /** @description What it means for the order, and what to do */
                                detail: string;
                            };
                            /** @description Services that did not answer: their hops are not in here, which does not mean that they did not happen */
                            missing?: string[];
                        };
                    };
                };
                /** @description The request is not valid; `errors` names each field and what is wrong with it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is nothing of that id */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; `Retry-After` says when to come back */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description What this call needs is unavailable or overloaded; try again after `Retry-After` */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/orders/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Status changes of orders, as server-sent events
         * @description Event `order` carries the status of an order. Send the last `id` again as `Last-Event-ID` to go on where the stream broke off; event `resync` says that this place is no longer held, so read afresh what you show.
         */
        get: {
            parameters: {
                query?: {
                    /** @example 7 */
                    user_id?: number;
                };
                header?: {
                    /** @description The last `id` that arrived */
                    "last-event-id"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The stream */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/event-stream": string;
                    };
                };
                /** @description The request is not valid; `errors` names each field and what is wrong with it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; `Retry-After` says when to come back */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description What this call needs is unavailable or overloaded; try again after `Retry-After` */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How the system is doing: rates, times, backlogs, dead letters */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** Format: date-time */
                            at: string;
                            /** @description null where the service did not answer */
                            orders: {
                                /** @example orders-service */
                                service: string;
                                /**
                                 * Format: date-time
                                 * @description When this was read; shared for up to a second
                                 */
                                at: string;
                                /** @description From the relay’s stored cursor, so the same whichever instance answers */
                                outbox: {
                                    /** @description Committed more than 2 s ago and not known to be published */
                                    waiting: number;
                                    oldest_age_ms: number | null;
                                    /** @description There are more than were counted */
                                    is_capped: boolean;
                                };
                                consumer: {
                                    name: string;
                                    /** @description Messages published and not yet handled; null where Kafka does not say */
                                    lag: number | null;
                                };
                                dead_letters: {
                                    /** @description Each waits for a person to redrive or discard it */
                                    parked: number;
                                    /** @description Messages of the same key that wait behind a parked one */
                                    waiting: number;
                                };
                                /** @description What the next four are of: a minute, or less where very much happened */
                                window_seconds: number;
                                placed: number;
                                finished: number;
                                cancelled: number;
                                /** @description From placing to settling, of the orders settled in the window; null where none was */
                                time_to_settle_ms: {
                                    p50: number;
                                    p99: number;
                                } | null;
                                /** @description The same, for each whole second of the last minute */
                                seconds: {
                                    /** Format: date-time */
                                    at: string;
                                    placed: number;
                                    settled: number;
                                    p50_ms: number | null;
                                    p99_ms: number | null;
                                }[];
                                orders: {
                                    total: number;
                                    open: number;
                                    finished: number;
                                    cancelled: number;
                                    /** @description A large table is not counted: these are the estimates of the database */
                                    is_estimate: boolean;
                                };
                            } | null;
                            /** @description null where the service did not answer */
                            payments: {
                                /** @example orders-service */
                                service: string;
                                /**
                                 * Format: date-time
                                 * @description When this was read; shared for up to a second
                                 */
                                at: string;
                                /** @description From the relay’s stored cursor, so the same whichever instance answers */
                                outbox: {
                                    /** @description Committed more than 2 s ago and not known to be published */
                                    waiting: number;
                                    oldest_age_ms: number | null;
                                    /** @description There are more than were counted */
                                    is_capped: boolean;
                                };
                                consumer: {
                                    name: string;
                                    /** @description Messages published and not yet handled; null where Kafka does not say */
                                    lag: number | null;
                                };
                                dead_letters: {
                                    /** @description Each waits for a person to redrive or discard it */
                                    parked: number;
                                    /** @description Messages of the same key that wait behind a parked one */
                                    waiting: number;
                                };
                            } | null;
                        };
                    };
                };
                /** @description Too many requests; `Retry-After` says when to come back */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/integrity": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether money and messages add up, across all services
         * @description Takes a turn of the audit, of a few seconds (of a quarter of a minute where one by schedule is under way), or answers the outcome of the last one where it has just been taken: however often it is asked, the databases are busy with it a fifth of the time at most. `npm run audit` prints it for people.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /**
                             * @description violated: a rule does not hold. incomplete: a service did not answer, and nothing wrong is known.
                             * @enum {string}
                             */
                            status: "sound" | "violated" | "incomplete";
                            /** Format: date-time */
                            at: string;
                            /** @description Of this turn; its work is bounded, however many orders there are */
                            took_ms: number;
                            /** @description Orders that are younger are not judged */
                            settled_within_ms: number;
                            /**
                             * Format: date-time
                             * @description Orders placed before have been compared with their payments at least once
                             */
                            verified_to: string | null;
                            overdue: {
                                count: number;
                                is_capped: boolean;
                            };
                            /** @description Rows of this turn */
                            checked: {
                                orders: number;
                                accounts: number;
                                ledger_entries: number;
                            };
                            /** @description All of history is looked through again and again */
                            sweeps: {
                                /**
                                 * @example orders
                                 * @example payments
                                 * @example accounts
                                 * @example ledger
                                 */
                                area: string;
                                /** Format: date-time */
                                started_at: string;
                                /** @description Rows of the sweep that runs */
                                checked: number;
                                /** Format: date-time */
                                last_started_at: string | null;
                                /** Format: date-time */
                                last_finished_at: string | null;
                                /** @description Rows of the last sweep that came to its end */
                                last_checked: number;
                            }[];
                            /** @description Known and not healed; at most 20 of each check are kept */
                            violations: number;
                            checks: {
                                name: string;
                                rule: string;
                                violations: number;
                                /** @description There may be more than are shown */
                                is_capped: boolean;
                                found: {
                                    /** @description Of the order; of the user in checks of accounts */
                                    id: string;
                                    detail: string;
                                    /** Format: date-time */
                                    found_at: string;
                                }[];
                                /** @description What to do where it does not hold */
                                next?: string;
                            }[];
                            /** @description Services that did not answer: what they know was not checked */
                            missing?: string[];
                        };
                    };
                };
                /** @description Too many requests; `Retry-After` says when to come back */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description What this call needs is unavailable or overloaded; try again after `Retry-After` */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** State of every service and its dependencies */
        get: {
            parameters: {
                query?: {
                    /** @description Seconds to wait for each dependency */
                    timeout?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            service: string;
                            status: "up" | "down";
                            /** @description The gateway's own */
                            dependencies: {
                                [key: string]: {
                                    status: "up" | "down";
                                    /** @description Milliseconds the check took */
                                    duration_ms: number;
                                    detail?: string;
                                };
                            };
                            services: {
                                [key: string]: {
                                    status: "up" | "down";
                                    duration_ms: number;
                                    detail?: string;
                                    dependencies?: {
                                        [key: string]: {
                                            status: "up" | "down";
                                            /** @description Milliseconds the check took */
                                            duration_ms: number;
                                            detail?: string;
                                        };
                                    };
                                };
                            };
                        };
                    };
                };
                /** @description The request is not valid; `errors` names each field and what is wrong with it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Default Response */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            service: string;
                            status: "up" | "down";
                            /** @description The gateway's own */
                            dependencies: {
                                [key: string]: {
                                    status: "up" | "down";
                                    /** @description Milliseconds the check took */
                                    duration_ms: number;
                                    detail?: string;
                                };
                            };
                            services: {
                                [key: string]: {
                                    status: "up" | "down";
                                    duration_ms: number;
                                    detail?: string;
                                    dependencies?: {
                                        [key: string]: {
                                            status: "up" | "down";
                                            /** @description Milliseconds the check took */
                                            duration_ms: number;
                                            detail?: string;
                                        };
                                    };
                                };
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/orders": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List orders */
        get: {
            parameters: {
                query?: {
                    /** @example 7 */
                    user_id?: number;
                    /** @description NEW until payments have decided, then FINISHED or CANCELLED for good */
                    status?: "NEW" | "PENDING_PAYMENT" | "FINISHED" | "CANCELLED";
                    limit?: number;
                    /** @description Opaque; from a Link header */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Newest first */
                200: {
                    headers: {
                        /** @description RFC 8288: `<…>; rel="next"`, where there is more */
                        Link?: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Order"][];
                    };
                };
                /** @description The request is not valid; `errors` names each field and what is wrong with it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; `Retry-After` says when to come back */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A mistake on our side; its log is found by `request_id` */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description What this call needs is unavailable or overloaded; try again after `Retry-After` */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /**
         * Place an order
         * @description Answers as soon as the order is stored; it is paid from the balance of the user and settled a moment later. Send an Idempotency-Key to be able to try again safely: the same key and body give the first answer again.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description 1 to 255 visible ASCII characters */
                    "idempotency-key"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example 7 */
                        user_id: number;
                        /** @example 10.5 */
                        amount: number;
                        /**
                         * Format: text
                         * @example Two books
                         */
                        description?: string;
                    };
                };
            };
            responses: {
                /** @description The order, with status NEW */
                201: {
                    headers: {
                        /** @description Path of the order */
                        Location?: string;
                        /** @description `true` where this is the first answer again */
                        "Idempotency-Replayed"?: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Order"];
                    };
                };
                /** @description The request is not valid; `errors` names each field and what is wrong with it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is larger than 64 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not `application/json`, or is encoded */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is understood, and refused; `code` says why */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; `Retry-After` says when to come back */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A mistake on our side; its log is found by `request_id` */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description What this call needs is unavailable or overloaded; try again after `Retry-After` */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/orders/user/{user_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the orders of one user
         * @description A user that nobody has heard of has no orders: the list is empty.
         */
        get: {
            parameters: {
                query?: {
                    limit?: number;
                    /** @description Opaque; from a Link header */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @example 7 */
                    user_id: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Newest first */
                200: {
                    headers: {
                        /** @description RFC 8288: `<…>; rel="next"`, where there is more */
                        Link?: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Order"][];
                    };
                };
                /** @description The request is not valid; `errors` names each field and what is wrong with it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; `Retry-After` says when to come back */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A mistake on our side; its log is found by `request_id` */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description What this call needs is unavailable or overloaded; try again after `Retry-After` */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/orders/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Find an order */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description UUIDv7
                     * @example 0199f3a5-7d1c-7a52-9c0e-5b7f3f1f0a11
                     */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The order */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Order"];
                    };
                };
                /** @description The request is not valid; `errors` names each field and what is wrong with it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is nothing of that id */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; `Retry-After` says when to come back */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A mistake on our side; its log is found by `request_id` */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description What this call needs is unavailable or overloaded; try again after `Retry-After` */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List accounts
         * @description In the order of user ids.
         */
        get: {
            parameters: {
                query?: {
                    limit?: number;
                    /** @description Opaque; from a Link header */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        /** @description RFC 8288: `<…>; rel="next"`, where there is more */
                        Link?: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Account"][];
                    };
                };
                /** @description The request is not valid; `errors` names each field and what is wrong with it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; `Retry-After` says when to come back */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A mistake on our side; its log is found by `request_id` */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description What this call needs is unavailable or overloaded; try again after `Retry-After` */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /**
         * Open an account
         * @description One account per user. A balance that it starts with is its first ledger entry.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example 7 */
                        user_id: number;
                        /**
                         * @description What the account starts with: its first ledger entry
                         * @default 0
                         * @example 100
                         */
                        balance?: number;
                    };
                };
            };
            responses: {
                /** @description The account */
                201: {
                    headers: {
                        /** @description Path of the account */
                        Location?: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Account"];
                    };
                };
                /** @description The request is not valid; `errors` names each field and what is wrong with it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description It exists already */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is larger than 64 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not `application/json`, or is encoded */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; `Retry-After` says when to come back */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A mistake on our side; its log is found by `request_id` */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description What this call needs is unavailable or overloaded; try again after `Retry-After` */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/{user_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Find the account of a user */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @example 7 */
                    user_id: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The account */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Account"];
                    };
                };
                /** @description The request is not valid; `errors` names each field and what is wrong with it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is nothing of that id */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; `Retry-After` says when to come back */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A mistake on our side; its log is found by `request_id` */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description What this call needs is unavailable or overloaded; try again after `Retry-After` */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Deposit or withdraw
         * @description Changes of one account take effect one after another. 422 is `insufficient_funds`, `balance_limit_exceeded` or `idempotency_key_reused`. Send an Idempotency-Key to be able to try again safely: the same key and body give the first answer again, also where it was a refusal.
         */
        patch: {
            parameters: {
                query?: never;
                header?: {
                    /** @description 1 to 255 visible ASCII characters */
                    "idempotency-key"?: string;
                };
                path: {
                    /** @example 7 */
                    user_id: number;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /**
                         * @description A deposit, or a withdrawal where negative
                         * @example 25.5
                         * @example -10
                         */
                        balance_change: number;
                    };
                };
            };
            responses: {
                /** @description The account after the change */
                200: {
                    headers: {
                        /** @description `true` where this is the first answer again */
                        "Idempotency-Replayed"?: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Account"];
                    };
                };
                /** @description The request is not valid; `errors` names each field and what is wrong with it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is nothing of that id */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is larger than 64 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not `application/json`, or is encoded */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is understood, and refused; `code` says why */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; `Retry-After` says when to come back */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A mistake on our side; its log is found by `request_id` */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description What this call needs is unavailable or overloaded; try again after `Retry-After` */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/users/{user_id}/ledger": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the ledger of an account
         * @description All that ever changed the balance: opening, deposits, withdrawals and payments. They add up to it.
         */
        get: {
            parameters: {
                query?: {
                    limit?: number;
                    /** @description Opaque; from a Link header */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @example 7 */
                    user_id: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Newest first */
                200: {
                    headers: {
                        /** @description RFC 8288: `<…>; rel="next"`, where there is more */
                        Link?: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["LedgerEntry"][];
                    };
                };
                /** @description The request is not valid; `errors` names each field and what is wrong with it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is nothing of that id */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; `Retry-After` says when to come back */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A mistake on our side; its log is found by `request_id` */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description What this call needs is unavailable or overloaded; try again after `Retry-After` */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description RFC 9457 problem details */
        Problem: {
            type: string;
            title: string;
            status: number;
            detail: string;
            /** @description Stable; meant for programs */
            code: string;
            request_id: string;
            errors?: {
                in: string;
                field: string;
                detail: string;
            }[];
        };
        Order: {
            /**
             * Format: uuid
             * @description UUIDv7
             * @example 0199f3a5-7d1c-7a52-9c0e-5b7f3f1f0a11
             */
            id: string;
            /** @example 7 */
            user_id: number;
            /** @example 10.5 */
            amount: number;
            /** @example Two books */
            description: string | null;
            /**
             * @description NEW until payments have decided, then FINISHED or CANCELLED for good
             * @enum {string}
             */
            status: "NEW" | "PENDING_PAYMENT" | "FINISHED" | "CANCELLED";
            /**
             * @description Why it was CANCELLED
             * @enum {string}
             */
            reason?: "insufficient_funds" | "account_not_found";
            /**
             * Format: date-time
             * @example 2026-05-04T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-05-04T09:30:00.012Z
             */
            updated_at: string;
        };
        /** @description One per user. The balance is the sum of its ledger entries */
        Account: {
            /**
             * Format: uuid
             * @example 019aa5c0-7d2e-7c3f-9a51-0d2f6c1b8e90
             */
            id: string;
            /** @example 7 */
            user_id: number;
            /** @example 89.5 */
            balance: number;
            /**
             * Format: date-time
             * @description When it was opened
             * @example 2026-01-31T12:00:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When its balance last changed
             * @example 2026-01-31T12:00:00.000Z
             */
            updated_at: string;
        };
        /** @description Append-only: what changed an account, and the balance after it */
        LedgerEntry: {
            /**
             * Format: uuid
             * @example 019aa5c1-1f60-7b0e-8f6d-5a7e3c9d2b14
             */
            id: string;
            /** @example 7 */
            user_id: number;
            /** @enum {string} */
            kind: "opening" | "deposit" | "withdrawal" | "payment";
            /**
             * @description Positive came in, negative went out
             * @example -10.5
             */
            amount: number;
            /** @example 89.5 */
            balance_after: number;
            /**
             * Format: uuid
             * @description The order paid, of a payment
             */
            order_id?: string;
            /**
             * Format: date-time
             * @description When it happened
             * @example 2026-01-31T12:00:00.000Z
             */
            created_at: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
