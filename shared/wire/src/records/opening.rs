//! Opening accounts: commands 27, 30, 39 and 40 (protocol 9.21).

use crate::kind::{Kind, bytes, s16, secret};
use crate::payload::count_of;
use crate::record::records;
use crate::{DecodeError, Payload, Reader, Record, Value};

records! {
    /// Who asks for an account, and for which one.
    pub struct Applicant[1664] {
        /// First and second name joined by a space.
        full_name: s16[256],
        group: s16[128],
        phone_password: secret[64],
        country: s16[64],
        city: s16[64],
        state: s16[64],
        zipcode: s16[32],
        address: s16[256],
        phone: s16[64],
        email: s16[128],
        /// Account currency.
        deposit: f64,
        /// 100 means 1:100.
        leverage: u32,
        const_0: u32,
        /// 1.
        const_1: u32,
        domain: s16[128],
        utm_campaign: s16[64],
        utm_source: s16[64],
        /// 0: none yet.
        email_code: u32,
        /// 0: none yet.
        phone_code: u32,
        first_name: s16[128],
        second_name: s16[128],
        /// Bits of accepted agreements.
        agreements: u32,
    }

    /// Asks which confirmations are needed.
    pub struct VerificationRequest[1682] {
        /// Web build; 0 is accepted.
        build: i16,
        cid: bytes[16],
        base: Applicant,
    }

    /// Which confirmations are needed (27) or were right (40): 1 yes, 0 no.
    pub struct ConfirmationReply[2] { email: u8, phone: u8 }

    /// The new account.
    pub struct AccountOpened[76] {
        /// 0, or an error number.
        code: u32,
        login: i64,
        password: secret[32],
        investor_password: secret[32],
    }

    /// What a real account needs to know beyond the base.
    pub struct RealApplicant[1284] {
        first_name: s16[128],
        second_name: s16[128],
        middle_name: s16[128],
        /// FILETIME: 100 ns since 1601.
        birth_date: u64,
        gender: u32,
        language: s16[128],
        citizenship: s16[64],
        tax_id: s16[128],
        employment: u32,
        industry: u32,
        education: u32,
        wealth: u32,
        annual_income: u64,
        net_worth: u64,
        annual_deposit: u64,
        experience_fx: u32,
        experience_cfd: u32,
        experience_futures: u32,
        experience_stocks: u32,
        reserved: bytes[512],
    }

    /// The head of a document; the two files follow.
    struct DocumentHead[1056] {
        data_type: u32,
        document_type: u32,
        front_name: s16[520],
        front_size: u32,
        back_name: s16[520],
        back_size: u32,
    }
}

/// A document: two named files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// As the broker numbers them.
    pub data_type: u32,
    /// As the broker numbers them.
    pub document_type: u32,
    /// File name of the front.
    pub front_name: String,
    /// File name of the back.
    pub back_name: String,
    /// The front.
    pub front: Vec<u8>,
    /// The back.
    pub back: Vec<u8>,
}

/// Command 39.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RealApplication {
    /// As for a demo account.
    pub base: Applicant,
    /// The rest of the form.
    pub extension: RealApplicant,
    /// To the end of the payload.
    pub documents: Vec<Document>,
}

impl Payload for RealApplication {
    fn encode(&self, out: &mut Vec<u8>) {
        self.base.write(out);
        self.extension.write(out);
        for document in &self.documents {
            let head = DocumentHead {
                data_type: document.data_type,
                document_type: document.document_type,
                front_name: document.front_name.clone(),
                front_size: count_of(document.front.len()),
                back_name: document.back_name.clone(),
                back_size: count_of(document.back.len()),
            };
            head.write(out);
            out.extend_from_slice(&document.front);
            out.extend_from_slice(&document.back);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (base, extension) = (Record::read(reader)?, Record::read(reader)?);
        let mut documents = Vec::new();
        while reader.rest().len() >= DocumentHead::LEN {
            documents.push(read_document(reader)?);
        }
        Ok(Self { base, extension, documents })
    }

    fn value(&self) -> Value {
        let documents = self.documents.iter().map(document_value).collect();
        Value::Record(vec![
            ("base", Payload::value(&self.base)),
            ("extension", Payload::value(&self.extension)),
            ("documents", Value::List(documents)),
        ])
    }
}

fn read_document(reader: &mut Reader<'_>) -> Result<Document, DecodeError> {
    let head: DocumentHead = Record::read(reader)?;
    let size = |size: u32| usize::try_from(size).unwrap_or(usize::MAX);
    let front = reader.at("Document", "front").take(size(head.front_size))?.to_vec();
    let back = reader.at("Document", "back").take(size(head.back_size))?.to_vec();
    Ok(Document {
        data_type: head.data_type,
        document_type: head.document_type,
        front_name: head.front_name,
        back_name: head.back_name,
        front,
        back,
    })
}

fn document_value(document: &Document) -> Value {
    Value::Record(vec![
        ("data_type", u32::show(&document.data_type)),
        ("document_type", u32::show(&document.document_type)),
        ("front_name", Value::Text(document.front_name.clone())),
        ("front_buffer", Value::Bytes(document.front.clone())),
        ("back_name", Value::Text(document.back_name.clone())),
        ("back_buffer", Value::Bytes(document.back.clone())),
    ])
}
